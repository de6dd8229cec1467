package alerts

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cioevents/cioevents/internal/operate"
	"github.com/cioevents/cioevents/internal/stream"
)

var start = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// A day is the minutes of a test with what a look finds out in each.
type day struct {
	t *testing.T
	b *book
}

func newDay(t *testing.T) *day { t.Helper(); return &day{t, &book{Alerts: map[string]*alert{}}} }

// at looks after some minutes, sends what is due, and wants these messages.
func (d *day) at(minutes int, f facts, want ...string) {
	d.t.Helper()
	f.now = start.Add(time.Duration(minutes) * time.Minute)
	d.b.update(&f, DefaultFeedQuiet)
	var got []string
	for _, m := range d.b.due() {
		word := "begun"
		if m.Over {
			word = "ended"
		}
		got = append(got, word+" "+string(m.Topic)+" "+m.Subject)
		d.b.sent(&m)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		d.t.Errorf("after %d minutes (-want +got):\n%s", minutes, diff)
	}
}

func track(state operate.PartState) facts {
	return facts{workers: []operate.Heartbeat{
		{Track: []operate.Part{{Name: "acme", State: operate.PartOK}}},
		{Track: []operate.Part{{Name: "acme", State: state}}},
	}}
}

// A short outage is no alert. A long one begins and ends once, whatever lies between, and
// silence of the workers changes nothing.
func TestTrackDown(t *testing.T) {
	t.Parallel()
	d := newDay(t)
	d.at(0, track(operate.PartDown))
	d.at(9, track(operate.PartDown))
	d.at(10, track(operate.PartOK))
	d.at(11, track(operate.PartDown))
	d.at(20, track(operate.PartDown))
	d.at(21, track(operate.PartDown), "begun track_down acme")
	d.at(22, track(operate.PartDown))
	d.at(50, facts{})
	d.at(51, track(operate.PartDown))
	d.at(52, track(operate.PartOK), "ended track_down acme")
	d.at(53, track(operate.PartOK))
	if len(d.b.Alerts) > 0 {
		t.Errorf("the book keeps %d alerts", len(d.b.Alerts))
	}
}

func dead(reason string, n uint64) facts {
	return facts{dead: []stream.DeadStatus{{From: "suppression", Reason: reason, Count: n}}}
}

// Dead letters that were there before are no news. The alert lasts while further ones
// arrive, and ends 15 minutes after the last one or when all are gone.
func TestDeadLettersArrive(t *testing.T) {
	t.Parallel()
	d := newDay(t)
	d.at(0, dead("exhausted", 5))
	d.at(1, dead("exhausted", 3))
	d.at(2, dead("exhausted", 4), "begun dead_letters suppression (exhausted)")
	d.at(3, dead("exhausted", 4))
	d.at(10, dead("exhausted", 9))
	d.at(11, dead("exhausted", 9))
	d.at(25, dead("exhausted", 9))
	d.at(26, dead("exhausted", 9), "ended dead_letters suppression (exhausted)")
	d.at(27, dead("exhausted", 10), "begun dead_letters suppression (exhausted)")
	d.at(28, facts{})
	d.at(43, facts{}, "ended dead_letters suppression (exhausted)")
	d.at(44, dead("exhausted", 1), "begun dead_letters suppression (exhausted)")
}

func TestSuppressionsHeld(t *testing.T) {
	t.Parallel()
	d := newDay(t)
	d.at(0, dead("held_suppression", 2), "begun suppressions_held suppression")
	d.at(1, dead("held_suppression", 9))
	d.at(2, facts{}, "ended suppressions_held suppression")
}

func TestFeedStalled(t *testing.T) {
	t.Parallel()
	d := newDay(t)
	last := func(minutes int) facts {
		return facts{calls: []operate.LastCall{{Workspace: "acme", At: start.Add(time.Duration(minutes) * time.Minute)}}}
	}
	d.at(60, last(0))
	d.at(61, last(0), "begun feed_stalled acme")
	d.at(62, facts{}) // the stream has deleted the last event by age
	d.at(63, last(63), "ended feed_stalled acme")
	f := last(0)
	f.now = start.Add(9 * time.Hour)
	if c := f.feeds(0); c[0].on {
		t.Error("an alert in spite of ALERT_FEED_QUIET=0")
	}
}

func TestConsumerLate(t *testing.T) {
	t.Parallel()
	d := newDay(t)
	f := facts{oldest: map[string]time.Time{"warehouse": start, "slack": {}}}
	d.at(60, f)
	d.at(61, f, "begun consumer_late warehouse")
	d.at(62, facts{}, "ended consumer_late warehouse")
}

// The numbers of all workers count together. The alert ends a day after the rate has
// fallen, because the sums of a restarted worker begin again.
func TestComplaints(t *testing.T) {
	t.Parallel()
	d := newDay(t)
	mail := func(delivered, complaints int64) facts {
		half := []operate.MailCount{{Workspace: "acme", Delivered: delivered / 2, Complaints: complaints}}
		other := []operate.MailCount{{Workspace: "acme", Delivered: delivered / 2}, {Workspace: "globex", Delivered: 5000}}
		return facts{workers: []operate.Heartbeat{{Mail: half}, {Mail: other}}}
	}
	d.at(0, mail(900, 2)) // too few to judge
	d.at(1, mail(4000, 3))
	d.at(2, mail(3000, 3), "begun complaints acme")
	d.at(3, mail(0, 0))
	d.at(3+24*60-1, mail(10000, 3))
	d.at(3+24*60, mail(10000, 3), "ended complaints acme")
}

// While the receiver is down, an alert that ends and returns stays one alert, and a message
// is due until the receiver accepts it.
func TestDueUntilSent(t *testing.T) {
	t.Parallel()
	b := &book{Alerts: map[string]*alert{}}
	look := func(minutes int, f facts) []message {
		f.now = start.Add(time.Duration(minutes) * time.Minute)
		b.update(&f, DefaultFeedQuiet)
		return b.due()
	}
	first := look(0, dead("held_suppression", 1))
	look(1, facts{})
	look(2, dead("held_suppression", 1))
	again := look(3, facts{})
	if diff := cmp.Diff(first, again); diff != "" || len(again) != 1 || again[0].Over {
		t.Fatalf("due (-first +later):\n%s", diff)
	}
	b.sent(&again[0])
	ends := look(4, facts{})
	if len(ends) != 1 || !ends[0].Over || !ends[0].At.Equal(start.Add(3*time.Minute)) || ends[0].Begun != first[0].Begun {
		t.Errorf("the end is %+v", ends)
	}
}

// The wait after failures doubles up to 10 minutes, and a success ends the wait.
func TestRetryWaits(t *testing.T) {
	t.Parallel()
	b := &book{Alerts: map[string]*alert{}}
	var waits []string
	for range 8 {
		b.failed(start)
		waits = append(waits, b.Retry.Sub(start).String())
	}
	if diff := cmp.Diff("15s 30s 1m0s 2m0s 4m0s 8m0s 10m0s 10m0s", strings.Join(waits, " ")); diff != "" {
		t.Errorf("waits (-want +got):\n%s", diff)
	}
	for range 100 {
		b.failed(start)
	}
	if b.Retry.Sub(start) != lastRetry {
		t.Errorf("the last wait is %v", b.Retry.Sub(start))
	}
	b.sent(&message{})
	if b.Failures != 0 || !b.Retry.IsZero() {
		t.Error("a success does not end the wait")
	}
}

// The texts name a runbook of docs/operations.md, and what another program has answered to
// the workers stays out of them: it may name a person.
func TestTexts(t *testing.T) {
	t.Parallel()
	f := track(operate.PartDown)
	f.workers[1].Track[0].Reason = "no person ann@example.com"
	f.workers[1].Warehouses = []operate.Part{{Name: "warehouse", State: operate.PartDown, Reason: "row of ann@example.com"}}
	f.workers[1].Mail = []operate.MailCount{{Workspace: "acme", Delivered: 1000, Complaints: 3}}
	f.calls = []operate.LastCall{{Workspace: "acme", At: start.Add(-90 * time.Minute)}}
	f.dead = []stream.DeadStatus{{From: "suppression", Reason: "exhausted", Count: 3}, {From: "suppression", Reason: "held_suppression", Count: 2}}
	f.oldest = map[string]time.Time{"warehouse": start.Add(-25 * time.Hour)}
	f.now = start
	seen := map[Topic]string{}
	for _, c := range f.conditions(DefaultFeedQuiet, map[string]uint64{"suppression (exhausted)": 1}) {
		if c.on {
			seen[c.topic] = c.text
		}
		if strings.Contains(c.text, "ann@") {
			t.Errorf("%s: %s", c.topic, c.text)
		}
	}
	for topic, want := range map[Topic]string{
		FeedStalled: "for 1h30m, since 2026-11-24 10:30 UTC", DeadLetters: "suppression (exhausted): 2, and 3 in all",
		SuppressionsHeld: "suppressions of consumer suppression: 2.", TrackDown: "Workspace acme gets no effects",
		WarehouseDown: "consumer warehouse gets no rows", ConsumerLate: "has waited for 25h0m",
		Complaints: "3 spam complaints about workspace acme came in a day with 1000 delivered e-mails, Gmail not counted: 0.30 %",
	} {
		if !strings.Contains(seen[topic], want) {
			t.Errorf("%s: %q lacks %q", topic, seen[topic], want)
		}
		if over := overText(topic, "acme"); strings.Contains(over, "%!") || !strings.Contains(over, "acme") {
			t.Errorf("%s: the end says %q", topic, over)
		}
	}
	if len(seen) != len(topics) {
		t.Errorf("%d of %d topics are seen", len(seen), len(topics))
	}
}
