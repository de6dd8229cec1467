package customerio

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/cioevents/cioevents/internal/fault"
)

// How an outage is noticed and its end looked for.
const (
	// So many calls in a row that show nothing of a working API are an outage. It
	// is one more than the halving of a batch of 1,000 needs to find the one item
	// that the API stumbles over.
	failuresToOpen = 12
	// The wait between two probes doubles from the first to the longest: short
	// enough to go on soon after the end, long enough not to hammer.
	firstProbe, longestProbe = time.Second, 15 * time.Second
	// The pause between two lines about the same trouble.
	sayEvery = time.Minute
)

// A circuit keeps calls from being made while they could only fail: when the API
// is down, and when the configuration is wrong. One call at a time is let through
// to see whether that is over.
type circuit struct {
	log zerolog.Logger

	mu       sync.Mutex
	failures int // in a row
	proved   bool
	// The rest is about an open circuit.
	cause   error // nil while closed
	config  bool
	since   time.Time
	wait    time.Duration
	probeAt time.Time
	probing bool
	told    bool // that it is open
	said    time.Time
}

// errOpen is about no call: none is made.
var errOpen = errors.New("no calls are made for now")

// check returns an outage while no call may be made.
func (c *circuit) check() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.refusal()
}

// enter is check. Without an error the caller makes a call, which is a probe when
// the circuit is open, and tells leave how it went.
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

// leave takes note of a call that has ended and returns its error: as an outage
// when that is what it turned out to be a part of. A pause is what the answer has
// asked for.
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

// doubt makes the next failure enough to open: nothing is known of a working API.
func (c *circuit) doubt() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.failures = max(c.failures, failuresToOpen-1)
}

// longestPause is the longest wait that is waited out call by call. A longer one
// is an outage with a known end.
const longestPause = 5 * time.Second

func (c *circuit) open(now time.Time, probe bool, err error, config bool, pause time.Duration) {
	switch {
	case c.cause == nil:
		c.since, c.wait = now, firstProbe
	case probe:
		c.wait = min(2*c.wait, longestProbe)
	default: // a call that was under way when it opened
		return
	}
	c.cause, c.config = err, config
	c.probeAt = now.Add(max(c.wait, pause))
	c.say(now)
}

func (c *circuit) say(now time.Time) {
	if !c.said.IsZero() && now.Sub(c.said) < sayEvery {
		return
	}
	c.said, c.told = now, true
	text := "the Track API is not working: nothing is fetched and everything is kept until it is"
	if c.config {
		text = "the Track API does not accept the configuration: nothing is fetched and everything is kept until an operator mends it"
	}
	c.log.Error().Err(c.cause).Time("since", c.since).Msg(text)
}

func (c *circuit) close(now time.Time) {
	if c.cause != nil && c.told {
		c.log.Info().Stringer("after", now.Sub(c.since).Round(time.Millisecond)).Msg("the Track API works again")
	}
	c.cause, c.config, c.told, c.failures, c.proved = nil, false, false, 0, true
}

// state returns why no calls are made, nil when they are, and whether any call
// has ever shown that they can be.
func (c *circuit) state() (config, proved bool, cause error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.config, c.proved, c.cause
}
