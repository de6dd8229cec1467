package integration_test

import (
	"errors"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"

	"github.com/cioevents/cioevents/internal/customerio/customeriotest"
	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/pkg/webhook"
	"github.com/cioevents/cioevents/pkg/webhook/webhooktest"
)

// fill publishes the events of a campaign. Publishing is much faster than calls to
// ingest.
func (p *pipeline) fill(deliveries int) (events int) {
	p.t.Helper()
	var messages []*nats.Msg
	for body := range (webhooktest.Campaign{Seed: 1, Deliveries: deliveries, CampaignID: 1, Start: time.Unix(1755600000, 0)}).Events() {
		m := event.Message{Workspace: "default", ReceivedAt: time.Now(), Body: body}
		if err := m.Index(); err != nil {
			p.t.Fatal(err)
		}
		messages = append(messages, stream.NewMessage(&m))
	}
	if err := p.client.Publish(p.t.Context(), len(messages), 0, func(i int) *nats.Msg { return messages[i] }); err != nil {
		p.t.Fatal(err)
	}
	return len(messages)
}

func (p *pipeline) replay(q stream.ReplayRequest) *stream.Replay {
	p.t.Helper()
	r, err := p.client.StartReplay(p.t.Context(), q)
	if err != nil {
		p.t.Fatal(err)
	}
	return r
}

// finished waits until the workers have finished and deleted a replay.
func (p *pipeline) finished(id string) {
	p.t.Helper()
	p.eventually("the replay is finished", time.Minute, func() bool {
		_, _, err := p.client.Remaining(p.t.Context(), id)
		return errors.Is(err, stream.ErrNoReplay)
	})
}

// fingerprint returns equal values for two tables only if a reader sees equal rows.
func (p *pipeline) fingerprint() [][]any {
	p.t.Helper()
	return p.query("SELECT count(*)::BIGINT, bit_xor(hash(e))::VARCHAR FROM customerio_events e")
}

func TestReplayIntoTheWarehouse(t *testing.T) {
	t.Parallel()
	p := start(t)
	p.env["WORKER_CONSUMERS"] = "warehouse"
	events := p.fill(3000)
	worker := p.workerProcess()
	p.drained(1, time.Minute)
	before := p.fingerprint()
	if before[0][0] != int64(events) {
		t.Fatalf("the warehouse has %v rows, want %d", before[0][0], events)
	}

	full := p.replay(stream.ReplayRequest{Target: "warehouse"})
	p.finished(full.ID)
	if diff := cmp.Diff(before, p.fingerprint()); diff != "" {
		t.Errorf("a replay changes a full warehouse (-before +after):\n%s", diff)
	}

	worker.Kill()
	removeWarehouse(t, p.path)
	p.env["WAREHOUSE_BATCH_ROWS"] = "100" // Small batches leave time for a kill.
	worker = p.workerProcess()
	p.adopt()
	rebuild := p.replay(stream.ReplayRequest{Target: "warehouse"})
	p.eventually("the replay is under way", 30*time.Second, func() bool {
		left, r, err := p.client.Remaining(t.Context(), rebuild.ID)
		return err == nil && r.Begun && left < rebuild.Total
	})
	worker.Kill()
	left, _, err := p.client.Remaining(t.Context(), rebuild.ID)
	if err != nil || left == 0 {
		t.Fatalf("the worker was killed too late: %d messages are left, %v", left, err)
	}
	p.workerProcess()
	p.finished(rebuild.ID)
	if diff := cmp.Diff(before, p.fingerprint()); diff != "" {
		t.Errorf("a replay into an empty warehouse restores other rows (-before +after):\n%s", diff)
	}
}

// adopt lets the consumer fill the new file, which is another store than the file before.
func (p *pipeline) adopt() {
	p.t.Helper()
	a, err := p.client.Adopt(p.t.Context(), "duckdb:"+p.path)
	if err != nil || !a.Changes() || !a.Empty {
		p.t.Fatalf("adopted %+v, %v", a, err)
	}
}

func removeWarehouse(t *testing.T, path string) {
	t.Helper()
	for _, name := range []string{path, path + ".wal"} {
		if err := os.Remove(name); err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
	}
}

// A replay of effects reaches only its target consumer and applies the rules of the
// consumer.
func TestReplayOfEffects(t *testing.T) {
	t.Parallel()
	p := start(t)
	for _, name := range []string{"email_bounced_hard", "email_opened_human", "email_spammed"} {
		p.accept(webhooktest.Get(name))
	}
	p.startWorker()
	p.drained(3, 30*time.Second)
	before, rows := p.api.Counts(), p.fingerprint()
	if before.Suppress != 2 {
		t.Fatalf("%d suppressions, want 2", before.Suppress)
	}
	r := p.replay(stream.ReplayRequest{Target: "suppression", Subjects: stream.Select(nil, []string{"email"}, []string{string(webhook.Bounced)})})
	p.finished(r.ID)
	after := p.api.Counts()
	if after.Suppress != 3 || after.Identify != before.Identify+1 {
		t.Errorf("the replay of a bounce made %d suppressions and %d identifies, want 1 and 1",
			after.Suppress-before.Suppress, after.Identify-before.Identify)
	}
	if diff := cmp.Diff(rows, p.fingerprint()); diff != "" {
		t.Errorf("the warehouse has changed (-before +after):\n%s", diff)
	}
}

// A replay waits while no worker serves its target.
func TestReplayWaitsForItsTarget(t *testing.T) {
	t.Parallel()
	p := start(t)
	p.env["WORKER_CONSUMERS"] = "warehouse"
	p.accept(webhooktest.Get("email_bounced_hard"))
	waiting := p.replay(stream.ReplayRequest{Target: "suppression"})
	served := p.replay(stream.ReplayRequest{Target: "warehouse"})
	p.startWorker()
	p.finished(served.ID)
	left, r, err := p.client.Remaining(t.Context(), waiting.ID)
	if err != nil || left != 1 || r.Begun {
		t.Errorf("%d messages are left, begun is %v, %v; want 1 and false", left, r.Begun, err)
	}
	if n := len(p.api.Calls()); n > 0 {
		t.Errorf("%d calls were made, want none", n)
	}
}

// A message that fails in a replay becomes a dead letter of the target.
func TestDeadLettersOfAReplay(t *testing.T) {
	t.Parallel()
	p := start(t)
	p.env["WORKER_CONSUMERS"] = "suppression"
	p.accept(webhooktest.Get("email_bounced_hard"))
	p.startWorker()
	p.drained(1, 30*time.Second)
	p.api.SetFault(func(*http.Request) *customeriotest.Fault { return &customeriotest.Fault{Status: http.StatusBadRequest} })
	r := p.replay(stream.ReplayRequest{Target: "suppression"})
	p.finished(r.ID)
	var from []string
	err := p.client.ListDeadLetters(t.Context(), stream.DeadSelection{}, func(b *event.StoredDeadLetter) bool {
		from = append(from, b.From)
		return true
	})
	if err != nil || strings.Join(from, " ") != "suppression" {
		t.Errorf("dead letters from %v, %v; want suppression", from, err)
	}
}
