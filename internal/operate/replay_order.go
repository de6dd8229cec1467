package operate

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/pkg/webhook"
)

// A ReplayOrder asks for a replay, in the operator's words.
type ReplayOrder struct {
	// Target is the consumer that handles the events again. Required.
	Target string
	// Since and Until are texts for ParseTime. The default is everything that is
	// stored when the replay starts.
	Since, Until string
	// Filter is a list of pairs for ParseFilter.
	Filter []string
}

// Request checks the order and translates it. Each error is an InputError.
func (o ReplayOrder) Request(now time.Time) (q stream.ReplayRequest, err error) {
	if !isReplayTarget(o.Target) {
		return q, &InputError{"to", fmt.Errorf("%q is not a consumer: want warehouse, warehouse-…, engagement or suppression, or one of the last two with -WORKSPACE", o.Target)}
	}
	q.Target, q.Filter = o.Target, strings.Join(o.Filter, ",")
	if q.Since, q.Until, err = ParsePeriod(o.Since, o.Until, now); err != nil {
		return q, err
	}
	switch {
	case q.Until.After(now):
		return q, &InputError{"until", errors.New("lies ahead; a replay ends with the last event that is stored at its start, so leave it out")}
	case !q.Until.IsZero() && !q.Since.Before(q.Until):
		return q, &InputError{"since", errors.New("is not before --until")}
	}
	f, err := ParseFilter(o.Filter)
	if err == nil {
		err = f.narrowTo(o.Target)
	}
	if err != nil {
		return q, &InputError{"filter", err}
	}
	q.Subjects = stream.Select(f.Workspaces, f.ObjectTypes, f.Metrics)
	return q, nil
}

// isReplayTarget reports whether a worker may have a consumer of this name.
func isReplayTarget(name string) bool {
	kind, _, _ := strings.Cut(name, "-")
	return slices.Contains([]string{"warehouse", "suppression", "engagement"}, kind)
}

// narrowTo leaves the events in the filter that the target can handle. A warehouse
// takes all events. The rules of a suppression are the worker's, so that all metrics
// stay. An error says that no event is left.
func (f *Filter) narrowTo(target string) error {
	kind, workspace, _ := strings.Cut(target, "-")
	if kind == "warehouse" {
		return nil
	}
	if workspace != "" {
		if len(f.Workspaces) > 0 && !slices.Contains(f.Workspaces, workspace) {
			return fmt.Errorf("%s takes the events of workspace %s only", target, workspace)
		}
		f.Workspaces = []string{workspace}
	}
	if handled := []string{string(webhook.Opened), string(webhook.Clicked)}; kind == "engagement" && !f.Narrow(handled) {
		return fmt.Errorf("%s does nothing about these metrics, only about %s", target, strings.Join(handled, ", "))
	}
	return nil
}

// A Filter selects events by their envelope. An empty list selects all.
type Filter struct{ Workspaces, ObjectTypes, Metrics []string }

// ParseFilter reads pairs such as metric=opened. Pairs with the same name are
// alternatives; pairs with different names must hold together.
func ParseFilter(pairs []string) (Filter, error) {
	var f Filter
	for _, pair := range pairs {
		name, word, ok := strings.Cut(strings.TrimSpace(pair), "=")
		if !ok || word == "" {
			return Filter{}, fmt.Errorf("%q is not a filter: want metric=opened, object_type=email or workspace=default", pair)
		}
		switch name {
		case "workspace":
			f.Workspaces = append(f.Workspaces, word) // as it is configured
		case "object_type":
			f.ObjectTypes = append(f.ObjectTypes, strings.ToLower(word))
		case "metric":
			f.Metrics = append(f.Metrics, strings.ToLower(word))
		default:
			return Filter{}, fmt.Errorf("cannot filter by %q: want workspace, object_type or metric", name)
		}
	}
	return f, nil
}

// Narrow removes the metrics that are not in the list from the filter, and reports
// whether any are left.
func (f *Filter) Narrow(metrics []string) bool {
	if len(f.Metrics) == 0 {
		f.Metrics = metrics
		return true
	}
	f.Metrics = slices.DeleteFunc(slices.Clone(f.Metrics), func(m string) bool { return !slices.Contains(metrics, m) })
	return len(f.Metrics) > 0
}
