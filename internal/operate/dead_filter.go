package operate

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/fault"
)

// A DeadFilter selects the dead letters that match all fields except zero fields.
type DeadFilter struct {
	// From is event.FromIngest or the consumer that gave up on the message.
	From              string
	Reason            string // a fault.Reason
	Workspace, Metric string
	// Subject is the subject of the original message, with the wildcards of NATS: * for
	// one token and > for all following tokens.
	Subject string
	// Text is a part of the error, in any case.
	Text string
	// Since and Until bound the time of the dead letter, where Until itself is not
	// included.
	Since, Until time.Time
	// Entries are sequence numbers in the stream of dead letters.
	Entries []uint64
}

// Check returns an InputError if Reason is not a fault.Reason.
func (f *DeadFilter) Check() error {
	if f.Reason != "" && !slices.Contains(fault.Reasons(), fault.Reason(f.Reason)) {
		return &InputError{"reason", fmt.Errorf("%q is not a reason: want one of %s", f.Reason, Words(fault.Reasons()))}
	}
	return nil
}

// Match reports whether the filter selects the dead letter b.
func (f *DeadFilter) Match(b *event.StoredDeadLetter) bool {
	same := func(want, have string) bool { return want == "" || want == have }
	return same(f.From, b.From) && same(f.Reason, string(b.Reason)) &&
		same(f.Workspace, b.Workspace) && same(f.Metric, b.Metric) &&
		(f.Subject == "" || matchSubject(f.Subject, b.Subject)) &&
		strings.Contains(strings.ToLower(b.Err), strings.ToLower(f.Text)) &&
		(f.Since.IsZero() || !b.DiedAt.Before(f.Since)) &&
		(f.Until.IsZero() || b.DiedAt.Before(f.Until)) &&
		(len(f.Entries) == 0 || slices.ContainsFunc(b.Entries, func(e uint64) bool { return slices.Contains(f.Entries, e) }))
}

// Empty reports whether the filter selects all dead letters.
func (f *DeadFilter) Empty() bool {
	return f.From == "" && f.Reason == "" && f.Workspace == "" && f.Metric == "" && f.Subject == "" && f.Text == "" &&
		f.Since.IsZero() && f.Until.IsZero() && len(f.Entries) == 0
}

// matchSubject compares token by token, where * matches one token and > the rest.
func matchSubject(pattern, subject string) bool {
	for {
		p, pattern2, more := strings.Cut(pattern, ".")
		s, subject2, moreSubject := strings.Cut(subject, ".")
		switch {
		case p == ">" && !more:
			return s != ""
		case p != "*" && p != s, more != moreSubject:
			return false
		case !more:
			return true
		}
		pattern, subject = pattern2, subject2
	}
}
