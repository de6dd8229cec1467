package doctor

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// The findings come in the order of the checks, and a check that hangs costs its own line only.
func TestRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		block := make(chan struct{})
		defer close(block)
		checks := []Check{
			{Group: "clock", Name: "slow", Look: func(context.Context) []Verdict { <-time.After(time.Second); return ok("%d s", 1) }},
			{Group: "nats", Name: "hangs", Look: func(context.Context) []Verdict { <-block; return nil }},
			{Group: "nats", Name: "late", Look: func(ctx context.Context) []Verdict { <-ctx.Done(); return warned("late", "wait") }},
		}
		start := time.Now()
		var got []Finding
		Run(t.Context(), checks, func(f Finding) { got = append(got, f) })
		want := []Finding{
			{"clock", "slow", Verdict{OK, "1 s", ""}},
			{"nats", "hangs", Verdict{Fail, "no answer within 8s", "look at the network between this machine and the service"}},
			{"nats", "late", Verdict{Warn, "late", "wait"}},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		if took := time.Since(start); took > 10*time.Second {
			t.Errorf("Run took %v", took)
		}
	})
}
