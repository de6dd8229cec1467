package warehouse_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cioevents/cioevents/internal/warehouse"
)

// slow is a Reader whose second query takes too long.
type slow struct{ queries int }

func (s *slow) Query(ctx context.Context, _ string) (*warehouse.Rows, error) {
	s.queries++
	if s.queries > 1 {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return &warehouse.Rows{Each: func(func([]any, error) bool) {}}, nil
}

func (*slow) Close() error { return nil }

// A slow warehouse is not a broken one, and lacks no view.
func TestExamineSlowSchema(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if s := warehouse.ExamineSchema(ctx, &slow{}); s.Broken || !strings.Contains(s.Detail, "in the time") {
			t.Error(s)
		}
	})
}
