package ingest

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/cioevents/cioevents/pkg/webhook"
)

// aheadNotice is how far ahead of the clock a call may be stamped before a warning. The
// clocks of two servers that are synchronized differ by less than a second.
const aheadNotice = time.Minute

// absurd is a distance from the clock that no clock explains: the timestamp has another
// unit, such as milliseconds.
const absurd = 10 * 365 * 24 * time.Hour

var errAbsurd = errors.New(webhook.HeaderTimestamp + " is not in seconds of Unix time")

// watchClock compares the timestamp of a call that a key has signed with the clock, and
// returns how far ahead of the clock the call is stamped. A timestamp ahead of the clock
// means that the clock is slow, and a call that is too far ahead is refused. A timestamp
// behind the clock means nothing: the call may be a retry.
func (s *Server) watchClock(h http.Header, now time.Time) (ahead time.Duration) {
	stamps := h[webhook.HeaderTimestamp]
	if len(stamps) == 0 {
		return 0
	}
	seconds, err := strconv.ParseInt(stamps[0], 10, 64)
	if err != nil {
		return 0 // impossible: Verify has read the number
	}
	ahead = time.Unix(seconds, 0).Sub(now)
	if ahead.Abs() > absurd {
		s.slowClock.Warn().Err(errAbsurd).Int64("timestamp", seconds).
			Msg("call stamped years from the clock: find the sender or the proxy that writes the timestamp")
		return ahead
	}
	s.metrics.ahead.Set(ahead.Seconds())
	if ahead > aheadNotice {
		s.slowClock.Warn().Stringer("ahead", ahead).Msg("call stamped ahead of the clock: set the clock of this machine, calls too far ahead are refused")
	}
	return ahead
}

// explainTimestamp says why a timestamp is refused.
func explainTimestamp(ahead time.Duration) error {
	switch {
	case ahead.Abs() > absurd:
		return errAbsurd
	case ahead < 0:
		return fmt.Errorf("stamped %v behind the clock", -ahead)
	default:
		return fmt.Errorf("stamped %v ahead of the clock", ahead)
	}
}
