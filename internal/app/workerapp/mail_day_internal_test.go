package workerapp

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cioevents/cioevents/internal/operate"
)

// A worker that delivers 100 e-mails an hour, with a complaint in the first hour, counts a
// day of them, and keeps no more than a day of sums.
func TestMailDay(t *testing.T) {
	t.Parallel()
	var d mailDay
	start := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	for minute := range 48*60 + 1 {
		hours := int64(minute / 60)
		sums := mailSums{
			"globex": {Workspace: "globex"},
			"acme":   {Workspace: "acme", Delivered: 100 * hours, Complaints: min(hours, 1)},
		}
		got := d.count(start.Add(time.Duration(minute)*time.Minute), sums)
		want := []operate.MailCount{{Workspace: "acme", Delivered: 100 * min(hours, 24), Complaints: min(hours, 1)}, {Workspace: "globex"}}
		if hours > 24 {
			want[0].Complaints = 0
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("after %d minutes (-want +got):\n%s", minute, diff)
		}
	}
	if len(d.kept) > 25 {
		t.Errorf("%d sums are kept", len(d.kept))
	}
}
