package ingest

import (
	"net/http"
	"strconv"
	"time"

	"github.com/cioevents/cioevents/pkg/webhook"
)

// aheadNotice is how far ahead of the clock a call may be stamped before a warning. The
// clocks of two servers that are synchronized differ by less than a second.
const aheadNotice = time.Minute

// canonicalTimestamp is the name of the header as net/http stores headers.
var canonicalTimestamp = http.CanonicalHeaderKey(webhook.HeaderTimestamp)

// watchClock compares the timestamp of a call that a key has signed with the clock. A
// timestamp ahead of the clock means that the clock is slow, and a call that is too far
// ahead is refused. A timestamp behind the clock means nothing: the call may be a retry.
func (s *Server) watchClock(h http.Header, now time.Time) {
	stamps := h[canonicalTimestamp]
	if len(stamps) == 0 {
		return
	}
	seconds, err := strconv.ParseInt(stamps[0], 10, 64)
	if err != nil {
		return // impossible: Verify has read the number
	}
	ahead := time.Unix(seconds, 0).Sub(now)
	s.metrics.ahead.Set(ahead.Seconds())
	if ahead > aheadNotice {
		s.slowClock.Warn().Stringer("ahead", ahead).Msg("call stamped ahead of the clock: set the clock of this machine, calls too far ahead are refused")
	}
}
