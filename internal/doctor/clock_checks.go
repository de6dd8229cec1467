package doctor

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/pkg/webhook"
)

// Differences of clocks. Synchronized clocks differ by less than a second. Five minutes is
// the tolerance of most receivers of signed calls; ours is webhook.MaxClockSkew.
const (
	clockWarn = 30 * time.Second
	clockFail = 5 * time.Minute
)

// answerWait bounds the wait for Customer.io.
const answerWait = 5 * time.Second

// A ClockOrder says which clocks to compare.
type ClockOrder struct {
	// Now is the clock of this machine.
	Now func() time.Time
	// Address returns the address of Customer.io's App API.
	Address func() (string, error)
}

// ClockChecks compares the clock of this machine with those of NATS and Customer.io.
func ClockChecks(b *Broker, o ClockOrder) []Check {
	return []Check{
		{"clock", "NATS", b.on(stream.AskTime, func(ctx context.Context, conn *stream.Conn) []Verdict {
			return o.compare("NATS", func() (time.Time, error) { return conn.ServerTime(ctx) })
		})},
		{"clock", "Customer.io", func(ctx context.Context) []Verdict {
			return o.compare("Customer.io", func() (time.Time, error) { return o.date(ctx) })
		}},
	}
}

// compare asks for another clock. The answer is as old as half of the waiting time.
func (o *ClockOrder) compare(name string, ask func() (time.Time, error)) []Verdict {
	before := o.Now()
	there, err := ask()
	if err != nil {
		return warned(err.Error(), "without an answer nobody knows this machine's clock: compare it by hand, with date -u")
	}
	after := o.Now()
	ahead := before.Add(after.Sub(before) / 2).Sub(there)
	detail := "less than a second between this machine and " + name
	if ahead.Abs() >= time.Second {
		detail = fmt.Sprintf("this machine is %v %s %s", ahead.Abs().Round(time.Second), map[bool]string{true: "ahead of", false: "behind"}[ahead > 0], name)
	}
	remedy := fmt.Sprintf("synchronize the clocks by NTP, here and there (timedatectl, chronyc tracking): ingest refuses a call that is stamped %v ahead of its clock", webhook.MaxClockSkew)
	switch {
	case ahead.Abs() >= clockFail:
		return failed(detail, remedy)
	case ahead.Abs() >= clockWarn:
		return warned(detail, remedy)
	}
	return ok("%s", detail)
}

// date returns the time in the header Date of an answer, whatever its status. The header
// has whole seconds, so half a second is missing on average.
func (o *ClockOrder) date(ctx context.Context) (time.Time, error) {
	ctx, cancel := context.WithTimeout(ctx, answerWait)
	defer cancel()
	address, err := o.Address()
	if err != nil {
		return time.Time{}, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodHead, address, http.NoBody)
	if err != nil {
		return time.Time{}, err
	}
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return time.Time{}, fmt.Errorf("no answer of %s: %w", address, err)
	}
	defer answer.Body.Close()
	date, err := http.ParseTime(answer.Header.Get("Date"))
	if err != nil {
		return time.Time{}, errors.New("no date in the answer of " + address)
	}
	return date.Add(500 * time.Millisecond), nil
}
