package worker_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/cioevents/cioevents/internal/fault"
	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/worker"
)

// fakeSink records the written rows, or returns its errors.
type fakeSink struct {
	opens, writes int
	openErr, err  error
	rows          []warehouse.Row
	result        warehouse.Result
}

func (s *fakeSink) Open(context.Context) error {
	s.opens++
	return s.openErr
}

func (s *fakeSink) Write(_ context.Context, rows []warehouse.Row) (warehouse.Result, error) {
	s.writes++
	s.rows = append(s.rows, rows...)
	return s.result, s.err
}

func (*fakeSink) Close() error { return nil }

func rowsOf(sink warehouse.Sink) *worker.Rows {
	return worker.NewRows("warehouse", sink, worker.NewMetrics(prometheus.NewRegistry()))
}

func TestRows(t *testing.T) {
	t.Parallel()
	sink := &fakeSink{}
	batch := attempts(emailEvent("sent", "joe", occurred), []byte(`{`), emailEvent("opened", "sue", occurred), []byte(`[]`))
	for i := range batch {
		batch[i].ID, batch[i].Sequence = fmt.Sprint("e", i), uint64(i+1)
	}
	sink.result = warehouse.Result{Inserted: 1, Rejected: []warehouse.Rejection{{Index: 1, Err: errAway}}}
	errs, whole := handled(t, rowsOf(sink), batch)
	if whole != nil {
		t.Fatal(whole)
	}
	want := []fault.Reason{"", fault.ReasonNotJSON, fault.ReasonRejectedRow, fault.ReasonNotObject}
	for i := range want {
		if reasonOf(errs[i]) != want[i] {
			t.Errorf("message %d: %v, want %q", i, errs[i], want[i])
		}
	}
	if len(sink.rows) != 2 || sink.rows[1].EventID != "e2" || sink.rows[1].Workspace != "acme" {
		t.Errorf("wrote %+v", sink.rows)
	}
}

// A batch without rows neither opens the sink nor writes.
func TestRowsWithoutRows(t *testing.T) {
	t.Parallel()
	sink := &fakeSink{}
	if _, whole := handled(t, rowsOf(sink), attempts([]byte(`{`))); whole != nil || sink.opens+sink.writes != 0 {
		t.Errorf("error %v, %d opens, %d writes", whole, sink.opens, sink.writes)
	}
}

// A warehouse that is down fails the batch. The handler opens the sink again until the
// sink opens once.
func TestRowsOpenUntilItWorks(t *testing.T) {
	t.Parallel()
	sink := &fakeSink{openErr: errAway}
	h := rowsOf(sink)
	batch := attempts(emailEvent("sent", "joe", occurred))
	for _, want := range []error{errAway, errAway, nil, nil} {
		if want == nil {
			sink.openErr = nil
		}
		if _, whole := handled(t, h, batch); !errors.Is(whole, want) {
			t.Errorf("error %v, want %v", whole, want)
		}
	}
	if sink.opens != 3 || sink.writes != 2 {
		t.Errorf("%d opens and %d writes, want 3 and 2", sink.opens, sink.writes)
	}
}

func TestRowsFailTheBatch(t *testing.T) {
	t.Parallel()
	_, whole := handled(t, rowsOf(&fakeSink{err: errAway}), attempts(emailEvent("sent", "joe", occurred)))
	if !errors.Is(whole, errAway) {
		t.Errorf("error %v, want %v", whole, errAway)
	}
}
