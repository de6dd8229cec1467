package worker_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cioevents/cioevents/internal/customerio"
	"github.com/cioevents/cioevents/internal/customerio/customeriotest"
	"github.com/cioevents/cioevents/internal/effect"
	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/worker"
)

// A workspace is a fake workspace and the handlers that update its people.
type workspace struct {
	fake                    *customeriotest.Fake
	suppression, engagement worker.Handler
}

const persons = 12

// newWorkspace returns a workspace with people who have three, two and one identifiers.
func newWorkspace(t *testing.T) *workspace {
	t.Helper()
	fake := customeriotest.New(customeriotest.Config{})
	for i := range persons {
		p := customeriotest.Profile{CioID: fmt.Sprint("c", i)}
		if i%3 != 1 {
			p.ID = fmt.Sprint("id-", i)
		}
		if i%3 != 2 {
			p.Email = fmt.Sprintf("p%d@example.com", i)
		}
		fake.Seed(p)
	}
	server := httptest.NewServer(fake)
	t.Cleanup(server.Close)
	client, err := customerio.New(customerio.Config{SiteID: "site", APIKey: "key", URL: server.URL, Rate: 1e6})
	if err != nil {
		t.Fatal(err)
	}
	return &workspace{
		fake:        fake,
		suppression: &worker.Effects{Plan: effect.Policy{}.Suppression, Workspace: "acme", Profiles: client},
		engagement:  &worker.Bulk{Plan: effect.Policy{}.Engagement, Workspace: "acme", Profiles: client},
	}
}

// identifiersOf returns the identifiers of a person in one of the forms that events use.
func identifiersOf(person int, r *rand.Rand) string {
	ways := []string{fmt.Sprintf(`"identifiers":{"cio_id":"c%d"}`, person)}
	if person%3 != 1 {
		ways = append(ways, fmt.Sprintf(`"identifiers":{"id":"id-%d"}`, person), fmt.Sprintf(`"customer_id":"id-%d"`, person))
	}
	if person%3 != 2 {
		ways = append(ways, fmt.Sprintf(`"identifiers":{"email":"P%d@example.com"}`, person), fmt.Sprintf(`"recipient":"p%d@example.com"`, person))
	}
	return ways[r.IntN(len(ways))]
}

// history returns events in the order of their times. All times differ.
func history(r *rand.Rand, n int) [][]byte {
	metrics := []string{
		`"opened"`, `"opened"`, `"opened"`, `"clicked"`, `"clicked"`, `"subscribed"`, `"unsubscribed"`,
		`"bounced"`, `"bounced"`, `"spammed"`,
	}
	failures := []string{"452 4.2.2 mailbox full", "452 4.2.2 mailbox full", "550 5.1.1 no such user"}
	var events [][]byte
	for i := range n {
		metric := metrics[r.IntN(len(metrics))]
		if metric == `"spammed"` && r.IntN(4) > 0 {
			metric = `"unsubscribed"` // or nobody is left
		}
		events = append(events, fmt.Appendf(nil,
			`{"event_id":"e%d","object_type":"email","metric":%s,"timestamp":%d,"data":{"delivery_id":"d%d","failure_message":%q,%s}}`,
			i, metric, occurred.Unix()+int64(i), i, failures[r.IntN(len(failures))], identifiersOf(r.IntN(persons), r)))
	}
	return events
}

// deliver passes the events to both handlers in batches, like two consumers of one
// stream.
func (w *workspace) deliver(t *testing.T, events [][]byte, r *rand.Rand) {
	t.Helper()
	for len(events) > 0 {
		n := min(1+r.IntN(40), len(events))
		batch := attempts(events[:n]...)
		for i := range batch {
			batch[i].ReceivedAt = occurred.Add(24 * time.Hour)
		}
		handlers := []worker.Handler{w.suppression, w.engagement}
		r.Shuffle(2, func(i, j int) { handlers[i], handlers[j] = handlers[j], handlers[i] })
		for _, h := range handlers {
			errs, whole := handled(t, h, batch)
			if whole != nil || slices.ContainsFunc(errs, func(err error) bool { return err != nil }) {
				t.Fatalf("errors %v, %v", errs, whole)
			}
		}
		events = events[n:]
	}
}

// A history that arrives shuffled, repeated and late results in the same profiles as a
// history in order. Suppressed people are deleted in both cases.
func TestOrderDoesNotMatter(t *testing.T) {
	t.Parallel()
	left := 0
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 0))
		events := history(r, 120)
		sorted, other := newWorkspace(t), newWorkspace(t)
		sorted.deliver(t, events, r)

		shuffled := slices.Concat(events, events[:60], events[90:])
		r.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		other.deliver(t, shuffled, r)

		want := sorted.fake.Profiles()
		if diff := cmp.Diff(want, other.fake.Profiles()); diff != "" {
			t.Fatalf("seed %d: profiles (-in order +shuffled):\n%s", seed, diff)
		}
		left += len(want)
		// A replay of the whole history changes no profile.
		other.deliver(t, events, r)
		if diff := cmp.Diff(want, other.fake.Profiles()); diff != "" {
			t.Fatalf("seed %d: profiles after a replay (-before +after):\n%s", seed, diff)
		}
	}
	if left < 20 || left > 19*persons {
		t.Errorf("%d of %d people are left: the histories prove too little", left, 20*persons)
	}
}

// 100,000 opens of 10,000 people in one batch cost one update per person and few
// requests.
func TestNewsletterIsFolded(t *testing.T) {
	t.Parallel()
	fake := customeriotest.New(customeriotest.Config{KnowsEverybody: true, CallLog: 1})
	server := httptest.NewServer(fake)
	t.Cleanup(server.Close)
	client, err := customerio.New(customerio.Config{SiteID: "site", APIKey: "key", URL: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	batch := make([]event.Attempt, 100_000)
	for i := range batch {
		batch[i] = event.Attempt{Number: 1, Stored: &event.Stored{Message: event.Message{
			Workspace: "acme", ReceivedAt: occurred.Add(24 * time.Hour),
			Body: emailEvent("opened", fmt.Sprint("p", i*7919%10_000), occurred.Add(time.Duration(i/10)*time.Second)),
		}}}
	}
	h := &worker.Bulk{Plan: effect.Policy{}.Engagement, Workspace: "acme", Profiles: client}
	if err := h.Handle(context.Background(), batch, func(i int, err error) { t.Errorf("message %d: %v", i, err) }); err != nil {
		t.Fatal(err)
	}
	if c := fake.Counts(); c.Identify != 10_000 || c.Requests > 30 || len(fake.Profiles()) != 10_000 {
		t.Errorf("%d updates in %d requests, want 10,000 in at most 30", c.Identify, c.Requests)
	}
}
