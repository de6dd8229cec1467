package operate_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cioevents/cioevents/internal/operate"
)

func TestParseFilter(t *testing.T) {
	t.Parallel()
	got, err := operate.ParseFilter([]string{"metric=Opened", " metric=clicked", "workspace=Acme", "object_type=email"})
	want := operate.Filter{Workspaces: []string{"Acme"}, ObjectTypes: []string{"email"}, Metrics: []string{"opened", "clicked"}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("filter (-want +got), %v:\n%s", err, diff)
	}
	for _, pair := range []string{"metric", "metric=", "campaign=1", ""} {
		if f, err := operate.ParseFilter([]string{pair}); err == nil {
			t.Errorf("%q is read as %v", pair, f)
		}
	}
	if !got.Narrow([]string{"opened", "bounced"}) || !cmp.Equal(got.Metrics, []string{"opened"}) {
		t.Errorf("narrowed to %v, want opened", got.Metrics)
	}
	if got.Narrow([]string{"bounced"}) {
		t.Errorf("narrowed to %v, want nothing", got.Metrics)
	}
	all := operate.Filter{}
	if !all.Narrow([]string{"bounced"}) || !cmp.Equal(all.Metrics, []string{"bounced"}) {
		t.Errorf("all is narrowed to %v", all.Metrics)
	}
}

func TestReplayOrder(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		order operate.ReplayOrder
		want  []string // subjects
	}{
		"warehouse":        {operate.ReplayOrder{Target: "warehouse"}, []string{"customerio.events.*.*.*", "customerio.backfill.*.*.*"}},
		"second warehouse": {operate.ReplayOrder{Target: "warehouse-bigquery", Filter: []string{"metric=sent"}}, []string{"customerio.events.*.*.sent", "customerio.backfill.*.*.sent"}},
		"suppression":      {operate.ReplayOrder{Target: "suppression-acme"}, []string{"customerio.events.acme.*.*"}},
		"engagement":       {operate.ReplayOrder{Target: "engagement"}, []string{"customerio.events.*.*.clicked", "customerio.events.*.*.opened"}},
		"opens of acme": {
			operate.ReplayOrder{Target: "engagement-acme", Filter: []string{"metric=opened", "metric=sent", "workspace=acme"}},
			[]string{"customerio.events.acme.*.opened"},
		},
	} {
		q, err := tt.order.Request(now)
		if diff := cmp.Diff(tt.want, q.Subjects); err != nil || diff != "" || q.Target != tt.order.Target {
			t.Errorf("%s: target %s, %v; subjects (-want +got):\n%s", name, q.Target, err, diff)
		}
	}
	q, err := operate.ReplayOrder{Target: "warehouse", Since: "-2h", Until: "-1h"}.Request(now)
	if err != nil || !q.Since.Equal(now.Add(-2*time.Hour)) || !q.Until.Equal(now.Add(-time.Hour)) {
		t.Errorf("period: %v to %v, %v", q.Since, q.Until, err)
	}
}

func TestReplayOrderIsWrong(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		field string
		order operate.ReplayOrder
	}{
		{"to", operate.ReplayOrder{}},
		{"to", operate.ReplayOrder{Target: "e mail"}},
		{"since", operate.ReplayOrder{Target: "warehouse", Since: "once"}},
		{"since", operate.ReplayOrder{Target: "warehouse", Since: "-1h", Until: "-1h"}},
		{"filter", operate.ReplayOrder{Target: "warehouse", Filter: []string{"campaign=1"}}},
		{"filter", operate.ReplayOrder{Target: "engagement", Filter: []string{"metric=bounced"}}},
		{"filter", operate.ReplayOrder{Target: "suppression-acme", Filter: []string{"workspace=globex"}}},
	} {
		_, err := tt.order.Request(now)
		if input, ok := errors.AsType[*operate.InputError](err); !ok || input.Field != tt.field {
			t.Errorf("%+v: error is %v, want an InputError of %q", tt.order, err, tt.field)
		}
	}
}

// The kind of fault: a day that is not over is an error, although its end is known.
func TestReplayUntilAheadOfNow(t *testing.T) {
	t.Parallel()
	q, err := (operate.ReplayOrder{Target: "warehouse", Since: "-1h", Until: "2999-01-01"}).Request(now)
	if err != nil || !q.Until.IsZero() {
		t.Errorf("the replay ends at %s, %v; want the last event", q.Until, err)
	}
}
