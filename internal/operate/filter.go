package operate

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cioevents/cioevents/internal/event"
)

// A Filter selects events by their envelope. An empty list selects all.
type Filter struct{ Workspaces, ObjectTypes, Metrics []string }

// ParseFilter reads pairs such as metric=opened. Pairs of one name are
// alternatives; different names must hold together.
func ParseFilter(pairs []string) (Filter, error) {
	var f Filter
	for _, pair := range pairs {
		name, word, ok := strings.Cut(strings.TrimSpace(pair), "=")
		if !ok || word == "" {
			return Filter{}, fmt.Errorf("%q is no filter: write metric=opened, object_type=email or workspace=default", pair)
		}
		switch name {
		case "workspace":
			f.Workspaces = append(f.Workspaces, word) // as it is configured
		case "object_type":
			f.ObjectTypes = append(f.ObjectTypes, strings.ToLower(word))
		case "metric":
			f.Metrics = append(f.Metrics, strings.ToLower(word))
		default:
			return Filter{}, fmt.Errorf("filter %q is not one of workspace, object_type, metric", name)
		}
	}
	return f, nil
}

// Narrow leaves only those metrics in the filter that are in the list, and
// reports whether there are any.
func (f *Filter) Narrow(metrics []string) bool {
	if len(f.Metrics) == 0 {
		f.Metrics = metrics
		return true
	}
	f.Metrics = slices.DeleteFunc(slices.Clone(f.Metrics), func(m string) bool { return !slices.Contains(metrics, m) })
	return len(f.Metrics) > 0
}

// A DeadFilter selects dead letters. A zero field selects all.
type DeadFilter struct {
	From, Reason, Workspace, Metric string
	// Subject is that of the original message, with NATS' wildcards * and >.
	Subject string
	// Since and Until bound the time of death, Until itself not included.
	Since, Until time.Time
	// Entries are places in the stream of dead letters.
	Entries []uint64
}

// Match reports whether b is selected.
func (f *DeadFilter) Match(b *event.StoredDeadLetter) bool {
	same := func(want, have string) bool { return want == "" || want == have }
	return same(f.From, b.From) && same(f.Reason, string(b.Reason)) &&
		same(f.Workspace, b.Workspace) && same(f.Metric, b.Metric) &&
		(f.Subject == "" || matchSubject(f.Subject, b.Subject)) &&
		(f.Since.IsZero() || !b.DiedAt.Before(f.Since)) &&
		(f.Until.IsZero() || b.DiedAt.Before(f.Until)) &&
		(len(f.Entries) == 0 || slices.ContainsFunc(b.Entries, func(e uint64) bool { return slices.Contains(f.Entries, e) }))
}

// Empty reports whether the filter selects everything.
func (f *DeadFilter) Empty() bool {
	return f.From == "" && f.Reason == "" && f.Workspace == "" && f.Metric == "" && f.Subject == "" &&
		f.Since.IsZero() && f.Until.IsZero() && len(f.Entries) == 0
}

// matchSubject compares token by token: * is any one, > is all that follow.
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
