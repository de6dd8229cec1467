package integration_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cioevents/cioevents/internal/customerio/customeriotest"
	"github.com/cioevents/cioevents/pkg/webhook"
	"github.com/cioevents/cioevents/pkg/webhook/webhooktest"
	"github.com/cioevents/cioevents/test/lab"
)

func TestEveryPayloadBecomesARow(t *testing.T) {
	t.Parallel()
	p := start(t)
	p.startWorker()
	for _, payload := range webhooktest.Payloads() {
		p.accept(payload.Body)
	}
	p.drained(3, 30*time.Second)
	for _, payload := range webhooktest.Payloads() {
		e, err := webhook.Parse(payload.Body)
		if err != nil {
			t.Fatal(err)
		}
		rows := p.query("SELECT metric, object_type FROM customerio_events WHERE event_id = '%s'", e.ID)
		if diff := cmp.Diff([][]any{{string(e.Metric), string(e.ObjectType)}}, orUnknown(rows)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", payload.Name, diff)
		}
	}
	p.noDeadLetters()
}

// orUnknown replaces NULL by "".
func orUnknown(rows [][]any) [][]any {
	for _, r := range rows {
		for i := range r {
			if r[i] == nil {
				r[i] = ""
			}
		}
	}
	return rows
}

// All payloads are about the same person, so the test gives each payload a person of its
// own.
func TestEffects(t *testing.T) {
	t.Parallel()
	want := map[string]string{
		"email_bounced_hard":                   "identify suppress",
		"email_bounced_soft":                   "identify",
		"email_spammed":                        "identify suppress",
		"email_unsubscribed":                   "identify",
		"customer_unsubscribed":                "identify",
		"email_opened_human":                   "identify",
		"email_opened_prefetched":              "",
		"email_clicked_human":                  "identify",
		"email_clicked_machine":                "",
		"email_delivered_email_only_workspace": "",
		"sms_bounced":                          "",
		"push_dropped":                         "",
		"email_dropped":                        "",
		"in_app_opened":                        "",
	}
	p := start(t)
	p.startWorker()
	for name := range want {
		p.accept(bytes.ReplaceAll(webhooktest.Get(name), []byte("d9c106000001"), []byte(name)))
	}
	p.drained(3, 30*time.Second)
	for name, calls := range want {
		if got := p.callsOf("cio_" + name); got != calls {
			t.Errorf("%s: calls %q, want %q", name, got, calls)
		}
	}
	profile, ok := p.api.Profile("cio_email_bounced_soft")
	if !ok || profile.Attributes["email_bounce_class"] != "soft" || profile.Attributes["email_bounced"] != true {
		t.Errorf("soft bounce: profile is %v, %v", profile.Attributes, ok)
	}
	if _, ok := p.api.Profile("cio_email_bounced_hard"); ok {
		t.Error("hard bounce: the profile still exists")
	}
	if a := mustProfile(t, p, "cio_customer_unsubscribed"); a["unsubscribed"] != nil || a["unsubscribed_at"] == nil {
		t.Errorf("customer unsubscribed: attributes are %v", a)
	}
}

func mustProfile(t *testing.T, p *pipeline, identifier string) map[string]any {
	t.Helper()
	profile, ok := p.api.Profile(identifier)
	if !ok {
		t.Fatalf("profile %s does not exist", identifier)
	}
	return profile.Attributes
}

func TestFlatShapeSignedOverTheBodyAlone(t *testing.T) {
	t.Parallel()
	p := start(t)
	p.startWorker()
	body := []byte(`{"event_id":"evt_flat_1","metric":"bounced","timestamp":1755600006,"customer_id":"cust-9","email_address":"nine@example.com",` +
		`"subject":"Hi","template_id":77,"campaign_id":12,"broadcast_id":3,"action_id":4,"delivery_id":"dlv-1","href":"https://example.com/x","link_id":5}`)
	status, answer, _ := p.post(body, webhook.HeaderSignature, webhook.SignBody(lab.SigningKey, body))
	if status != http.StatusOK {
		t.Fatalf("answer is %d %s, want 200", status, answer)
	}
	p.drained(3, 30*time.Second)
	if got := p.callsOf("cust-9"); got != "identify suppress" {
		t.Errorf("calls are %q, want identify and suppress", got)
	}
	rows := p.query(`SELECT event_id, metric, customer_id, email_address, delivery_id, campaign_id, template_id, href,
		epoch("timestamp")::BIGINT, received_at IS NOT NULL FROM messaging.customerio_events`)
	want := [][]any{{"evt_flat_1", "bounced", "cust-9", "nine@example.com", "dlv-1", int64(12), "77", "https://example.com/x", int64(1755600006), true}}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Errorf("row (-want +got):\n%s", diff)
	}
}

func TestStrangeBodiesAreKept(t *testing.T) {
	t.Parallel()
	for name, large := range map[string]bool{"server of 1 MiB": false, "server of 9 MiB": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := start(t)
			if large {
				p = start(t, largePayload)
			}
			p.startWorker()
			testStrangeBodies(t, p)
		})
	}
}

func testStrangeBodies(t *testing.T, p *pipeline) {
	t.Helper()
	rowOf := map[string]string{ // by event id: bodies that become rows
		"deep":    `{"event_id":"deep","metric":"sent","data":` + strings.Repeat(`{"a":`, 100) + `1` + strings.Repeat(`}`, 100) + `}`,
		"utf8":    "{\"event_id\":\"utf8\",\"metric\":\"sent\",\"data\":{\"subject\":\"caf\xe9\"}}",
		"halves":  `{"event_id":"halves","metric":"sent","data":{"subject":"\ud800","customer_id":"a\u0000b","x":1e999}}`,
		"content": `{"event_id":"content","object_type":"email","metric":"sent","data":{"customer_id":"1","content":"` + strings.Repeat("x", 7<<20) + `","delivery_id":"d7"}}`,
	}
	dead := []string{"this is not JSON", `[{"event_id":"in-an-array"}]`, `"text"`, "", strings.Repeat("[", 7<<20)}
	for _, body := range rowOf {
		p.accept([]byte(body))
	}
	for _, body := range dead {
		p.accept([]byte(body))
	}
	p.accept([]byte(`{}`))
	for _, body := range append(dead, `{}`) {
		if status, answer, _ := p.post([]byte(body), "X-Other", "1"); status != http.StatusUnauthorized || answer != `{"error":"Missing signature"}` {
			t.Errorf("without a signature: answer is %d %s, want 401", status, answer)
		}
		if status, answer, _ := p.post([]byte(body), webhook.HeaderSignature, strings.Repeat("0", 64)); status != http.StatusUnauthorized || answer != `{"error":"Invalid signature"}` {
			t.Errorf("with a wrong signature: answer is %d %s, want 401", status, answer)
		}
	}
	p.drained(3, 30*time.Second)
	for id := range rowOf {
		if n := len(p.query("SELECT 1 FROM customerio_events WHERE event_id = '%s'", id)); n != 1 {
			t.Errorf("%s has %d rows, want 1", id, n)
		}
	}
	if n := len(p.query("SELECT 1 FROM customerio_events")); n != len(rowOf)+1 {
		t.Errorf("there are %d rows, want %d", n, len(rowOf)+1)
	}
	if rows := p.query("SELECT delivery_id FROM customerio_events WHERE event_id = 'content'"); rows[0][0] != "d7" {
		t.Errorf("delivery of the large event is %v, want d7", rows[0][0])
	}
	p.query("SELECT payload->>'$.data.subject' FROM customerio_events") // The query fails if a payload is not JSON.
	found := map[string]bool{}
	for _, body := range p.deadLetters() {
		found[body] = true
	}
	for _, body := range dead {
		if !found[body] {
			t.Errorf("%.30q is not among the dead letters", body)
		}
	}
}

// hangUp is when Customer.io gives up. Ingest answers within 3 s; a busy machine may take
// a moment longer to bring the answer.
const hangUp = 4 * time.Second

func TestNATSOutage(t *testing.T) {
	t.Parallel()
	p := start(t)
	p.startWorker()
	p.accept(numbered(1))
	p.nats.Stop()
	for i := range 5 {
		status, answer, took := p.post(numbered(100 + i))
		if status != http.StatusServiceUnavailable || took > hangUp {
			t.Errorf("without NATS: answer is %d %s after %v, want 503 within %v", status, answer, took, hangUp)
		}
	}
	p.nats.Restart()
	n := 2
	p.eventually("ingest answers 200 again", 15*time.Second, func() bool {
		status, _, _ := p.post(numbered(n))
		return status == http.StatusOK
	})
	p.drained(3, 60*time.Second)
	p.eventually("both rows are visible", 30*time.Second, func() bool {
		return cmp.Equal(p.query("SELECT count(*), count(DISTINCT event_id) FROM customerio_events"), [][]any{{int64(2), int64(2)}})
	})
}

func numbered(n int) []byte {
	return fmt.Appendf(nil, `{"event_id":"n-%06d","object_type":"email","metric":"bounced","timestamp":1755600000,`+
		`"data":{"identifiers":{"cio_id":"p%06d"},"failure_message":"550 5.1.1 no such user"}}`, n, n)
}

func TestSameEventAThousandTimes(t *testing.T) {
	t.Parallel()
	p := start(t)
	p.startWorker()
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			for range 20 {
				if status, answer, _ := p.post(numbered(7)); status != http.StatusOK {
					t.Errorf("answer is %d %s, want 200", status, answer)
				}
			}
		})
	}
	wg.Wait()
	p.drained(3, 30*time.Second)
	if diff := cmp.Diff([][]any{{int64(1)}}, p.query("SELECT count(*) FROM customerio_events")); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	if got := p.callsOf("cio_p000007"); got != "identify suppress" {
		t.Errorf("calls are %q, want identify and suppress once each", got)
	}
}

func TestWorkerKilled(t *testing.T) {
	t.Parallel()
	const events = 4000
	p := start(t)
	worker := p.workerProcess()
	var wg sync.WaitGroup
	for c := range 8 {
		wg.Go(func() {
			for i := range events / 8 {
				p.accept(numbered(c*events/8 + i))
			}
		})
	}
	p.eventually("the worker has begun", 30*time.Second, func() bool { return p.api.Counts().Suppress > 50 })
	worker.Kill()
	wg.Wait()
	p.startWorker()
	p.drained(3, 2*time.Minute)
	want := [][]any{{int64(events), int64(events)}}
	if diff := cmp.Diff(want, p.query("SELECT count(*), count(DISTINCT event_id) FROM customerio_events")); diff != "" {
		t.Errorf("rows and distinct events (-want +got):\n%s", diff)
	}
	suppressed := map[string]bool{}
	for _, call := range p.api.Calls() {
		if call.Kind == customeriotest.Suppress {
			suppressed[call.Identifier] = true
		}
	}
	if len(suppressed) != events {
		t.Errorf("%d people were suppressed, want %d", len(suppressed), events)
	}
}

// workerProcess starts a worker that a test can kill.
func (p *pipeline) workerProcess() *lab.Process {
	p.t.Helper()
	worker, err := lab.Self(workerRole)
	if err != nil {
		p.t.Fatal(err)
	}
	worker.Env = p.env
	if err := worker.Start(); err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(worker.Kill)
	return worker
}

// The warehouse stores the signed body byte for byte.
func TestPayloadIsTheBody(t *testing.T) {
	t.Parallel()
	p := start(t)
	p.startWorker()
	body := []byte("{ \"event_id\" : \"spaced\",\n\t\"metric\":\"sent\" }")
	p.accept(body)
	p.drained(3, 30*time.Second)
	rows := p.query("SELECT payload::VARCHAR FROM customerio_events")
	if got, _ := rows[0][0].(string); got != string(body) || !json.Valid([]byte(got)) {
		t.Errorf("payload is %q, want %q", got, body)
	}
}
