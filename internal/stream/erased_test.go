package stream_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cioevents/cioevents/internal/privacy"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/stream/streamtest"
)

// The list of erased persons is what its writer and its readers agree on.
func TestErased(t *testing.T) {
	t.Parallel()
	conn, ctx := streamtest.Start(t).Connect(stream.Settings{}), t.Context()
	if _, err := conn.Ensure(ctx, stream.Settings{}); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.ListErased(ctx); !errors.Is(err, stream.ErrNoErased) {
		t.Errorf("list without a bucket: %v", err)
	}
	none, err := conn.ReadMarks(ctx, nil)
	if err != nil || !none.Missing {
		t.Fatalf("marks without a bucket: %+v, %v", none, err)
	}
	at := time.Date(2026, time.March, 1, 0, 0, 0, 0, time.UTC)
	list := []privacy.Erasure{{Mark: "abcd:01", Request: "r1", At: at}, {Mark: "abcd:02", Request: "r1", At: at}, {Mark: "abcd:03", Request: "r2", At: at.Add(time.Hour)}}
	for range 2 { // an erasure may be repeated
		if err := conn.AddErased(ctx, list); err != nil {
			t.Fatal(err)
		}
	}
	got, err := conn.ListErased(ctx)
	if diff := cmp.Diff(list, got); diff != "" || err != nil {
		t.Errorf("list: %v (-want +got):\n%s", err, diff)
	}
	all := readMarks(t, conn, none, "abcd:01", "abcd:02", "abcd:03")
	if same, err := conn.ReadMarks(ctx, all); err != nil || same != all {
		t.Errorf("unchanged marks are read again: %v", err)
	}
	if err := conn.RemoveErased(ctx, []string{"abcd:02", "abcd:04"}); err != nil {
		t.Fatal(err)
	}
	readMarks(t, conn, all, "abcd:01", "abcd:03")
}

// readMarks checks the marks that a worker reads after known.
func readMarks(t *testing.T, conn *stream.Conn, known *stream.Marks, want ...string) *stream.Marks {
	t.Helper()
	m, err := conn.ReadMarks(t.Context(), known)
	if err != nil {
		t.Fatal(err)
	}
	if got := slices.Sorted(slices.Values(m.List)); !slices.Equal(got, want) || m.Missing {
		t.Errorf("marks %v, missing %v; want %v", got, m.Missing, want)
	}
	return m
}
