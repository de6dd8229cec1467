package guard_test

import (
	"bytes"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/cioevents/cioevents/internal/privacy"
	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/guard"
	"github.com/cioevents/cioevents/internal/warehouse/warehousetest"
	"github.com/cioevents/cioevents/pkg/webhook/webhooktest"
)

const secret = "0123456789abcdef0123456789abcdef"

func policy(tb testing.TB, text string) *guard.Policy {
	tb.Helper()
	p, err := guard.ParsePolicy("privacy.yaml", []byte("version: 1\n"+text), secret)
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

func rowOf(tb testing.TB, body []byte) warehouse.Row {
	tb.Helper()
	var r warehouse.Row
	if err := r.Parse(body, warehouse.Origin{EventID: "e", Workspace: "acme", ReceivedAt: time.Unix(1_760_000_000, 0).UTC(), Sequence: 1}); err != nil {
		tb.Fatal(err)
	}
	return r
}

// The policy that hashes and drops as much as the views allow.
const strictest = `key: {id: k1, env: PRIVACY_KEY}
columns:
  customer_id: hash
  cio_id: drop
  email_address: hash
  identifier_email: drop
  recipient: drop
  recipients: drop
  subject: drop
  href: hash
  failure_message: hash
  reply_to_number: drop
  link_name: hash
payload: redact
`

func TestColumns(t *testing.T) {
	t.Parallel()
	key, err := privacy.NewKey("k1", []byte(secret))
	if err != nil {
		t.Fatal(err)
	}
	ann := key.Hash("ann@mail.example")
	r := rowOf(t, []byte(`{"event_id":"e","object_type":"email","metric":"bounced","timestamp":1760000000,"data":{
		"identifiers":{"id":" A1 ","email":"Ann@Mail.Example","cio_id":"c1","phone":"+15550100"},"recipient":"Ann <ANN@mail.example>","subject":"Hello Ann",
		"href":"https://x.example/ann%40mail.example/a?who=ann#top","failure_message":"550 5.1.1 <ann@mail.example>: x@y, (Ann@mail.example.)",
		"link_id":"cta","delivery_id":"d1","campaign_id":7,"unknown":"ann","content":"Dear Ann","headers":{"X":["ann"]}}}`))
	p := policy(t, strings.Replace(strictest, "recipient: drop", "recipient: hash", 1))
	if !p.Apply(&r) {
		t.Error("Apply reports no change")
	}
	want := map[string]any{
		"customer_id": key.Hash("A1"), "cio_id": nil, "email_address": ann, "identifier_email": nil, "recipient": ann, "subject": nil,
		"href":            "https://x.example/" + ann + "/a?" + key.Hash("who=ann#top"),
		"failure_message": "550 5.1.1 <" + ann + ">: " + key.Hash("x@y") + ", (" + ann + ".)",
		"link_name":       key.Hash("cta"), "recipient_domain": "mail.example", "delivery_id": "d1", "campaign_id": int64(7), "payload_altered": true,
	}
	for _, c := range warehouse.Columns() {
		got := warehousetest.Value(&c, &r)
		if w, ok := want[c.Name]; ok && !cmp.Equal(got, w) {
			t.Errorf("column %s is %v; want %v", c.Name, got, w)
		}
		if text, ok := got.(string); ok && (strings.Contains(strings.ToLower(text), "ann") || strings.Contains(text, "+1555")) {
			t.Errorf("column %s tells the person: %s", c.Name, text)
		}
	}
	again := r
	p.Apply(&again)
	if !bytes.Equal(again.Raw, r.Raw) || !cmp.Equal(columnsOf(&again), columnsOf(&r)) {
		t.Errorf("a second Apply changes the row to %v\nfrom %v", columnsOf(&again), columnsOf(&r))
	}
}

func columnsOf(r *warehouse.Row) map[string]any {
	all := map[string]any{}
	for _, c := range warehouse.Columns() {
		all[c.Name] = warehousetest.Value(&c, r)
	}
	return all
}

func bodies() [][]byte {
	all := [][]byte{
		[]byte(`{}`), []byte(`{"event_id":"1","metric":"sent","timestamp":1760000000.25,"data":null}`),
		[]byte(`{"event_type":"customer_subscription_preferences_changed","content":"{\"topics\":{\"a\":true}}"}`),
		[]byte(`{"event_type":"in_app_clicked","tracked_response":"a \"b\" \u0001 ü"}`), []byte(`{"metric":"x","timestamp":190000000000000}`),
		[]byte(`{"object_type":"email","metric":"clicked","data":{"link_id":"a","machine":false,"recipient":["a","b"]}}`),
		[]byte(`{"event_id":"backfill:D:bounced","object_type":"email","metric":"bounced","timestamp":1760000000,"data":{"delivery_id":"D","failure_message":"550 5.1.1"}}`),
	}
	for _, p := range webhooktest.Payloads() {
		all = append(all, p.Body)
	}
	for _, b := range warehousetest.Bodies() {
		if r, err := b.Row(); err == nil {
			all = append(all, r.Raw)
		}
	}
	return all
}

// A redacted payload has the event: a backfill reads the columns from it.
func TestRedactedPayloadIsTheEvent(t *testing.T) {
	t.Parallel()
	p := policy(t, "key: {id: k1, env: PRIVACY_KEY}\npayload: redact\n")
	for _, body := range bodies() {
		checkRedacted(t, p, body)
	}
}

func checkRedacted(t *testing.T, p *guard.Policy, body []byte) {
	t.Helper()
	var before warehouse.Row
	if before.Parse(body, warehouse.Origin{EventID: "e", Workspace: "acme", ReceivedAt: time.Unix(1, 0)}) != nil {
		return
	}
	after := before
	p.Apply(&after)
	parsed := rowOf(t, after.Raw)
	parsed.Origin = before.Origin
	want, got := columnsOf(&before), columnsOf(&parsed)
	for _, name := range []string{"payload", "payload_altered"} {
		delete(want, name)
		delete(got, name)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s\nis redacted to %s (-want +got):\n%s", body, after.Raw, diff)
	}
	if again := after; p.Apply(&again) {
		t.Errorf("%s\nis redacted again to %s", after.Raw, again.Raw)
	}
}

func FuzzRedact(f *testing.F) {
	for _, b := range bodies() {
		f.Add(b)
	}
	p := policy(f, "key: {id: k1, env: PRIVACY_KEY}\npayload: redact\n")
	f.Fuzz(func(t *testing.T, body []byte) { checkRedacted(t, p, body) })
}

func TestPayloadModes(t *testing.T) {
	t.Parallel()
	const body = `{"event_id":"1","object_type":"email","metric":"sent","timestamp":1760000000,"data":{"customer_id":"a1","content":"x","headers":{"A":["b"]},"new":1}}`
	for mode, want := range map[string]string{
		"keep":   body,
		"strip":  `{"event_id":"1","object_type":"email","metric":"sent","timestamp":1760000000,"data":{"customer_id":"a1","content":null,"headers":null,"new":1}}`,
		"redact": `{"event_id":"1","object_type":"email","metric":"sent","timestamp":1760000000,"data":{"identifiers":{"id":"a1"}},"redacted":"redact-`,
		"drop":   `{"event_id":"1","metric":"sent","timestamp":1760000000,"redacted":"drop-`,
	} {
		r := rowOf(t, []byte(body))
		p := policy(t, "payload: "+mode)
		if changed := p.Apply(&r); !strings.HasPrefix(string(r.Raw), want) || changed == (mode == "keep") {
			t.Errorf("payload: %s: %s, changed %v; want %s", mode, r.Raw, changed, want)
		}
		if p.Apply(&r) {
			t.Errorf("payload: %s: changed again to %s", mode, r.Raw)
		}
		r.Erase(time.Unix(1, 0))
		if p.Apply(&r) {
			t.Errorf("payload: %s changes an erased row", mode)
		}
	}
}

// Sinks do not check the texts of a parsed row, so a policy must leave them UTF-8.
func TestTextsStayUTF8(t *testing.T) {
	t.Parallel()
	p := policy(t, strictest)
	for _, body := range bodies() {
		r := rowOf(t, bytes.ReplaceAll(body, []byte(`:"`), []byte(":\"\xffü%ff@")))
		p.Apply(&r)
		for _, c := range warehouse.Columns() {
			if (c.Type == warehouse.Text || c.Type == warehouse.JSON) && !utf8.ValidString(c.Text(&r)) {
				t.Errorf("%s of %s is %q", c.Name, body, c.Text(&r))
			}
		}
	}
}
