package customerio

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/cioevents/cioevents/internal/fault"
)

// How the circuit notices the start and the end of an outage.
const (
	// failuresToOpen is the number of consecutive failures that count as an outage.
	// 12 failures are one more than the halving of a batch of 1,000 items needs to
	// isolate an item that the API cannot process.
	failuresToOpen = 12
	// The wait between two probes doubles from firstProbe to longestProbe: short
	// enough to notice the end of an outage soon, long enough not to load the API.
	firstProbe, longestProbe = time.Second, 15 * time.Second
	// logEvery is the pause between two log lines about one outage.
	logEvery = time.Minute
)

// A circuit blocks calls while calls could only fail, because the API is down or the
// configuration is wrong. An open circuit lets one call through at a time, as a probe.
type circuit struct {
	log zerolog.Logger

	mu       sync.Mutex
	failures int  // consecutive
	proved   bool // a call or a probe has shown since the start that the API works
	// The other fields describe an open circuit.
	cause    error // nil while the circuit is closed
	config   bool  // the cause is the configuration
	since    time.Time
	wait     time.Duration // between two probes
	probeAt  time.Time     // the earliest time of the next probe
	probing  bool
	logged   bool      // the opening has been logged
	lastLine time.Time // the time of the last log line
}

// errOpen says that the client did not send the call.
var errOpen = errors.New("calls to the Track API are suspended")

// check returns an outage while the circuit blocks calls.
func (c *circuit) check() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.refusal()
}

// enter is check, and registers the call when it may proceed. The caller then makes the
// call and passes the result to leave. While the circuit is open, the call is a probe.
func (c *circuit) enter() (probe bool, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.refusal(); err != nil {
		return false, err
	}
	probe = c.cause != nil
	c.probing = probe
	return probe, nil
}

func (c *circuit) refusal() error {
	now := time.Now()
	if c.cause == nil || !c.probing && !now.Before(c.probeAt) {
		return nil
	}
	return fault.Outage(max(c.probeAt.Sub(now), firstProbe/4), fmt.Errorf("%w: %w", errOpen, c.cause))
}

// leave notes the result of a call and returns the error of the call, marked as an
// outage if the circuit is open now. pause is the wait that the answer asked for.
func (c *circuit) leave(probe bool, o outcome, pause time.Duration, err error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	if probe {
		c.probing = false
	}
	switch {
	case o == outcomeUnauthorized:
		c.open(now, probe, err, true, 0)
	case o == outcomeForeign: // every call would meet the same proxy
		c.open(now, probe, err, false, 0)
	case pause > longestPause && o != outcomeRejected:
		c.open(now, probe, err, false, pause)
	case o.answersWork():
		c.close(now)
		return err
	case o == outcomeCancelled:
		return err
	default:
		c.failures++
		if c.cause == nil && c.failures < failuresToOpen {
			return err
		}
		c.open(now, probe, err, false, 0)
	}
	return fault.Outage(max(c.probeAt.Sub(now), 0), err)
}

// doubt lets the next failure open the circuit, because no call has shown yet that the
// API works.
func (c *circuit) doubt() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.failures = max(c.failures, failuresToOpen-1)
}

// Calls wait for the end of a Retry-After of up to longestPause. A longer Retry-After
// opens the circuit until it ends.
const longestPause = 5 * time.Second

func (c *circuit) open(now time.Time, probe bool, err error, config bool, pause time.Duration) {
	switch {
	case c.cause == nil:
		c.since, c.wait = now, firstProbe
	case probe:
		c.wait = min(2*c.wait, longestProbe)
	default: // the call began before the circuit opened
		return
	}
	c.cause, c.config = err, config
	c.probeAt = now.Add(max(c.wait, pause))
	c.logOpen(now)
}

func (c *circuit) logOpen(now time.Time) {
	if !c.lastLine.IsZero() && now.Sub(c.lastLine) < logEvery {
		return
	}
	c.lastLine, c.logged = now, true
	text := "Track API is down: events are kept and not fetched until the API works again"
	if c.config {
		text = "Track API refuses the configuration: events are kept and not fetched until an operator fixes the configuration"
	}
	c.log.Error().Err(c.cause).Time("since", c.since).Msg(text)
}

func (c *circuit) close(now time.Time) {
	if c.cause != nil && c.logged {
		c.log.Info().Stringer("after", now.Sub(c.since).Round(time.Millisecond)).Msg("Track API works again")
	}
	c.cause, c.config, c.logged, c.failures, c.proved = nil, false, false, 0, true
}

// state returns whether the configuration is the cause of the outage, whether any call
// has ever shown that the API works, and the cause, nil while the circuit is closed.
func (c *circuit) state() (config, proved bool, cause error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.config, c.proved, c.cause
}
