package doctor

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cioevents/cioevents/internal/fault"
	"github.com/cioevents/cioevents/internal/stream"
)

// WorkChecks checks the work of ingest and the workers: lag, dead letters, held
// suppressions and the newest event. The time now is the clock of this machine.
func WorkChecks(b *Broker, now func() time.Time) []Check {
	return []Check{
		{"work", "consumers", b.onStatus(stream.AskOldest, func(ctx context.Context, s *stream.Status) []Verdict { return b.consumers(ctx, s, now) })},
		{"work", "dead letters", b.onStatus(stream.AskStatus, func(_ context.Context, s *stream.Status) []Verdict { return deadLetters(s) })},
		{"work", "suppressions", b.onStatus(stream.AskStatus, func(_ context.Context, s *stream.Status) []Verdict { return held(s) })},
		{"work", "newest event", b.onStatus(stream.AskStatus, func(_ context.Context, s *stream.Status) []Verdict { return newest(s, now()) })},
	}
}

func deadLetters(s *stream.Status) []Verdict {
	if s.Dead == nil {
		return skipped("the stream of dead letters is missing")
	}
	total, parts := uint64(0), []string{}
	for _, d := range s.Dead {
		if d.Reason == string(fault.ReasonHeldSuppression) {
			continue
		}
		total += d.Count
		parts = append(parts, fmt.Sprintf("%d %s from %s", d.Count, d.Reason, d.From))
	}
	if total == 0 {
		return ok("none")
	}
	return warned(fmt.Sprintf("%d: %s", total, strings.Join(parts, ", ")), "look with cioctl dead list and cioctl dead show, remove the cause, then redrive or drop them")
}

// held counts the suppressions beyond SUPPRESSION_LIMIT.
func held(s *stream.Status) []Verdict {
	n := uint64(0)
	for _, d := range s.Dead {
		if d.Reason == string(fault.ReasonHeldSuppression) {
			n += d.Count
		}
	}
	if n == 0 {
		return ok("none held")
	}
	return warned(fmt.Sprintf("%d held by SUPPRESSION_LIMIT", n),
		fmt.Sprintf("look with cioctl dead list --reason %s, then redrive them, which deletes the profiles, or drop them", fault.ReasonHeldSuppression))
}

// quietFor is the time without an event after which the alert CioeventsFeedStalled fires.
const quietFor = time.Hour

func newest(s *stream.Status, now time.Time) []Verdict {
	if s.Stream.Messages == 0 {
		return ok("no event yet")
	}
	age := now.Sub(s.Stream.Last).Round(time.Second)
	if age < quietFor {
		return ok("stored %v ago", max(0, age))
	}
	return warned(fmt.Sprintf("stored %v ago", age),
		"nothing to do if nobody was sent a message since; else look at the page of the webhook in Customer.io, and in docs/operations.md at CioeventsFeedStalled")
}

// lagLate is the age of the oldest waiting event from which a consumer lags. Usual events
// wait for seconds.
const lagLate = 5 * time.Minute

// sampleFor is the time between two looks, which show the speed of a consumer. Each of
// the workers' requests for messages takes less.
const sampleFor = 1500 * time.Millisecond

// consumers looks twice at consumers with a lag.
func (b *Broker) consumers(ctx context.Context, before *stream.Status, now func() time.Time) []Verdict {
	if len(before.Consumers) == 0 {
		return failed("there is no consumer: no worker has started", "start a worker")
	}
	after := before
	if slices.ContainsFunc(before.Consumers, func(c stream.ConsumerStatus) bool { return c.Lag > 0 }) {
		select {
		case <-time.After(sampleFor):
		case <-ctx.Done():
		}
		var err error
		if after, err = b.conn.Status(ctx); err != nil {
			return unasked(err)
		}
	}
	list := problems(after, stream.ConsumerProblem)
	for i := range after.Consumers {
		c := &after.Consumers[i]
		if !slices.ContainsFunc(list, func(v Verdict) bool { return isAbout(v.Detail, c.Name) }) {
			list = append(list, b.consumer(ctx, former(before, c), c, now)...)
		}
	}
	return list
}

// isAbout reports whether a problem of Status names the consumer.
func isAbout(problem, consumer string) bool {
	rest, found := strings.CutPrefix(problem, "consumer "+consumer)
	return found && (rest == "" || rest[0] == ' ' || rest[0] == ':')
}

// former returns the status of a consumer at the first look.
func former(s *stream.Status, c *stream.ConsumerStatus) *stream.ConsumerStatus {
	for i := range s.Consumers {
		if s.Consumers[i].Name == c.Name {
			return &s.Consumers[i]
		}
	}
	return c
}

func (b *Broker) consumer(ctx context.Context, before, c *stream.ConsumerStatus, now func() time.Time) []Verdict {
	switch {
	case c.Edited:
		return warned(c.Name+" was edited by hand", "a worker with this consumer sets it back; delete the consumer if no worker has it")
	case c.Lag == 0:
		return ok("%s: no event waits", c.Name)
	default:
		return b.lag(ctx, before, c, now)
	}
}

// lag judges a consumer with a lag, by the age of its oldest event and by its speed.
func (b *Broker) lag(ctx context.Context, before, c *stream.ConsumerStatus, now func() time.Time) []Verdict {
	stored, err := b.conn.Oldest(ctx, c.Name)
	if err != nil {
		return unasked(err)
	}
	if stored.IsZero() {
		return ok("%s: no event waits any more", c.Name)
	}
	age := max(0, now().Sub(stored)).Round(time.Second)
	rate := float64(c.Settled-min(before.Settled, c.Settled)) / sampleFor.Seconds()
	text := fmt.Sprintf("%s: lag of %s, the oldest for %v; %.0f a second are settled", c.Name, events(c.Lag), age, rate)
	nobody := rate == 0 && before.Waiting+c.Waiting == 0 && before.InFlight+c.InFlight == 0
	switch {
	case nobody && c.Foreign:
		return warned(text+", and its program does not ask for them", "start the program, or delete the consumer")
	case nobody:
		return failed(text+", and no worker asks for them", "start a worker that has this consumer (WORKER_CONSUMERS), or look at /readyz and the log of the workers")
	case age >= lagLate:
		return warned(text, "look at the log of the workers for the cause; without one, start more workers (docs/operations.md, CioeventsLagGrows)")
	}
	return ok("%s", text)
}
