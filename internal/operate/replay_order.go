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

// A ReplayOrder describes a replay as an operator does.
type ReplayOrder struct {
	// Target is required: the consumer that handles the events again.
	Target string
	// Since and Until are texts for ParseTime. By default the replay has all events that
	// are stored at its start.
	Since, Until string
	// Filter is a list of pairs for ParseFilter.
	Filter []string
}

// Request translates the order for the stream. The error joins an InputError for each
// wrong field.
func (o ReplayOrder) Request(now time.Time) (q stream.ReplayRequest, err error) {
	q.Target, q.Filter = o.Target, strings.Join(o.Filter, ",")
	var wrongPeriod error
	q.Since, q.Until, wrongPeriod = ParsePeriod(o.Since, o.Until, now)
	if q.Until.After(now) {
		q.Until = time.Time{} // ends with the last event that is stored at the start
	}
	if !q.Until.IsZero() && !q.Since.Before(q.Until) {
		wrongPeriod = errors.Join(wrongPeriod, &InputError{"since", errors.New("is not before the end of the period")})
	}
	f, wrongFilter := ParseFilter(o.Filter)
	wrongTarget := checkTarget(o.Target)
	if wrongFilter == nil && wrongTarget == nil {
		wrongFilter = f.narrowTo(o.Target)
	}
	q.Subjects = stream.Select(f.Workspaces, f.ObjectTypes, f.Metrics)
	if kindOf(o.Target) == kindWarehouse { // no effects, and no copies for other programs
		q.Subjects = stream.WithBackfill(q.Subjects)
	}
	return q, errors.Join(wrongTarget, wrongPeriod, inputError("filter", wrongFilter))
}

func checkTarget(name string) error {
	if isReplayTarget(name) || CheckForeign(name) == nil {
		return nil
	}
	return &InputError{"to", fmt.Errorf("%q cannot be a target: want warehouse, warehouse-..., engagement, suppression, engagement-WORKSPACE, suppression-WORKSPACE or a consumer of your own", name)}
}

// Kinds of consumers: the part of a name before the first dash.
const (
	kindWarehouse   = "warehouse"
	kindSuppression = "suppression"
	kindEngagement  = "engagement"
)

func kindOf(consumer string) string {
	kind, _, _ := strings.Cut(consumer, "-")
	return kind
}

// isReplayTarget reports whether a worker may have a consumer of this name.
func isReplayTarget(name string) bool {
	return slices.Contains([]string{kindWarehouse, kindSuppression, kindEngagement}, kindOf(name))
}

// A Filter selects events by workspace, object type and metric, where an empty list
// selects all events.
type Filter struct{ Workspaces, ObjectTypes, Metrics []string }

// narrowTo restricts the filter to the events that the target handles. A warehouse and a
// foreign consumer handle all events. Only the worker knows the rules of a suppression, so all metrics
// stay. An error means that the target handles no event of the filter.
func (f *Filter) narrowTo(target string) error {
	kind, workspace, _ := strings.Cut(target, "-")
	if kind == kindWarehouse || isForeign(target) {
		return nil
	}
	if workspace != "" {
		if len(f.Workspaces) > 0 && !slices.Contains(f.Workspaces, workspace) {
			return fmt.Errorf("%s handles events of workspace %s only", target, workspace)
		}
		f.Workspaces = []string{workspace}
	}
	if handled := []string{string(webhook.Opened), string(webhook.Clicked)}; kind == kindEngagement && !f.Narrow(handled) {
		return fmt.Errorf("%s ignores these metrics and handles only %s", target, strings.Join(handled, ", "))
	}
	return nil
}

// ParseFilter reads pairs such as metric=opened. For each name in the pairs, an event
// must match one of the values.
func ParseFilter(pairs []string) (Filter, error) {
	var f Filter
	for _, pair := range pairs {
		name, word, ok := strings.Cut(strings.TrimSpace(pair), "=")
		if !ok || word == "" {
			return Filter{}, fmt.Errorf("%q is not a filter: want metric=opened, object_type=email or workspace=default", pair)
		}
		switch name {
		case "workspace":
			f.Workspaces = append(f.Workspaces, word) // case matters: a name from the configuration
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

// Narrow restricts the filter to the metrics in the list, and reports whether a metric
// is left.
func (f *Filter) Narrow(metrics []string) bool {
	if len(f.Metrics) == 0 {
		f.Metrics = metrics
		return true
	}
	f.Metrics = slices.DeleteFunc(slices.Clone(f.Metrics), func(m string) bool { return !slices.Contains(metrics, m) })
	return len(f.Metrics) > 0
}
