package stream_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/fault"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/stream/streamtest"
)

var ignoreTime = cmpopts.IgnoreFields(stream.StreamStatus{}, "First", "Last", "Bytes")

func TestStatus(t *testing.T) {
	t.Parallel()
	conn := streamtest.Start(t).Connect(stream.Settings{MaxBytes: 1 << 20})
	p := publisher(t, conn)
	for i := range 3 {
		publish(t, p, message(fmt.Sprint(i)))
	}
	c := open(t, conn, "b", stream.AllEvents)
	open(t, conn, "a", "customerio.events.*.*.bounced")
	fetch(t, c, 2)
	for i, reason := range []fault.Reason{fault.ReasonRejected, fault.ReasonNotJSON, fault.ReasonRejected} {
		if err := p.StoreDeadLetter(t.Context(), &event.DeadLetter{Message: *message(fmt.Sprint(i)), From: "b", Reason: reason, Sequence: uint64(i + 1)}); err != nil {
			t.Fatal(err)
		}
	}
	got := status(t, conn)
	want := stream.StreamStatus{Name: "CUSTOMERIO", Messages: 3, MaxBytes: 1 << 20, Replicas: 1}
	if diff := cmp.Diff(want, got.Stream, ignoreTime); diff != "" || got.Stream.Bytes == 0 || got.Stream.First.IsZero() {
		t.Errorf("stream (-want +got):\n%s", diff)
	}
	consumers := []stream.ConsumerStatus{
		{Name: "a", Filters: []string{"customerio.events.*.*.bounced", "customerio.redrive.a.>"}, Edited: true},
		{Name: "b", Lag: 3, InFlight: 2, Edited: true, Filters: []string{}},
	}
	if diff := cmp.Diff(consumers, got.Consumers, cmpopts.IgnoreFields(stream.ConsumerStatus{}, "LastAck")); diff != "" {
		t.Errorf("consumers (-want +got):\n%s", diff)
	}
	dead := []stream.DeadStatus{{From: "b", Reason: "not_json", Count: 1}, {From: "b", Reason: "rejected", Count: 2}}
	if diff := cmp.Diff(dead, got.Dead); diff != "" {
		t.Errorf("dead letters (-want +got):\n%s", diff)
	}
}

func TestEnsureReportsDifferences(t *testing.T) {
	t.Parallel()
	conn := streamtest.Start(t).Connect(stream.Settings{})
	other := stream.Settings{MaxBytes: 1 << 20, MaxAge: time.Hour, DedupWindow: time.Minute}
	same, err := conn.Ensure(t.Context(), stream.Settings{})
	if err != nil || len(same) != 0 {
		t.Errorf("Ensure again = %q, %v", same, err)
	}
	differences, err := conn.Ensure(t.Context(), other)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"STREAM_MAX_AGE is 720h, configured is 1h",
		"STREAM_MAX_BYTES is unlimited, configured is 1MiB",
		"DEDUP_WINDOW is 2h, configured is 1m",
	}
	for i, text := range want {
		want[i] = "stream CUSTOMERIO differs from the configuration: " + text + "; to change the stream, run cioctl stream apply"
	}
	if diff := cmp.Diff(want, differences); diff != "" {
		t.Errorf("differences (-want +got):\n%s", diff)
	}
	if err := conn.Apply(t.Context(), other, false); !errors.Is(err, stream.ErrLess) || !strings.Contains(err.Error(), "STREAM_MAX_AGE") {
		t.Errorf("Apply of a shorter age = %v, want ErrLess", err)
	}
	if err := conn.Apply(t.Context(), other, true); err != nil {
		t.Fatal(err)
	}
	if differences, err := conn.Ensure(t.Context(), other); err != nil || len(differences) != 0 {
		t.Errorf("Ensure after Apply = %q, %v", differences, err)
	}
}
