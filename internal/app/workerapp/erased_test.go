package workerapp_test

import (
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cioevents/cioevents/internal/app/workerapp"
	"github.com/cioevents/cioevents/internal/config"
	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/privacy"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/warehouse/place"
)

const privacySecret = "0123456789abcdef0123456789abcdef"

// erase puts Ann on the list of erased persons.
func (y *yard) erase() {
	y.t.Helper()
	key, err := privacy.NewKey("k1", []byte(privacySecret))
	if err != nil {
		y.t.Fatal(err)
	}
	var list []privacy.Erasure
	for _, id := range []privacy.Identifier{{Kind: privacy.ID, Value: "ann-1"}, {Kind: privacy.Email, Value: "ann@mail.example"}} {
		list = append(list, privacy.Erasure{Mark: key.Mark("default", id), Request: "r1", At: time.Now()})
	}
	if err := y.conn.AddErased(y.t.Context(), list); err != nil {
		y.t.Fatal(err)
	}
}

// mail publishes a message to Ann, whose address has an escape, and a message to Bob.
func (y *yard) mail(id string) {
	y.t.Helper()
	p, err := stream.NewPublisher(y.conn, 0)
	if err != nil {
		y.t.Fatal(err)
	}
	defer p.Close()
	for person, identifiers := range map[string]string{"ann": `"email":"Ann\u0040mail.example"`, "bob": `"id":"bob-1","email":"bob@mail.example"`} {
		m := &event.Message{Workspace: "default", ID: id + "-" + person[:1], ObjectType: "email", Metric: "sent", ReceivedAt: time.Now()}
		m.Body = fmt.Appendf(nil, `{"event_id":"%s","object_type":"email","metric":"sent","timestamp":1755600006,"data":{"identifiers":{%s},"recipient":"%s@mail.example","subject":"Hello","delivery_id":"%s","campaign_id":1}}`,
			m.ID, identifiers, person, id)
		if _, err := p.Publish(y.t.Context(), m); err != nil {
			y.t.Fatal(err)
		}
	}
}

// persons returns for each event of a warehouse "erased" or the person whom the row names.
func persons(t *testing.T, p place.Place) map[string]string {
	t.Helper()
	reader, err := p.Reader(t.Context())
	if err != nil {
		return nil // not there yet
	}
	defer reader.Close()
	rows, err := reader.Query(t.Context(), `SELECT event_id, lower(CAST(e AS VARCHAR)), erased_at IS NOT NULL, recipient_domain FROM customerio_events e`)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for r, err := range rows.Each {
		if err != nil {
			t.Fatal(err)
		}
		text, who := r[1].(string), "nobody"
		if r[2].(bool) {
			who = "erased"
		}
		for _, name := range []string{"ann", "bob"} {
			if strings.Contains(text, name+`@`) || strings.Contains(text, name+`\u0040`) {
				who += " " + name
			}
		}
		if r[3] != "mail.example" {
			who += " without a domain"
		}
		all[r[0].(string)] = who
	}
	return all
}

// The events of an erased person reach no warehouse, neither new events nor those of a
// replay. The events of others stay as they are.
func TestErasedPersonsStayErased(t *testing.T) {
	t.Parallel()
	y := newYard(t)
	y.env = map[string]string{"PRIVACY_KEY": privacySecret}
	places, err := place.ParseList([]string{"duckdb:" + y.file("e.duckdb"), "parquet:" + t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	f := y.start(&filler{t: t}, places[0].URL+","+places[1].URL, "warehouse")
	until := func(p place.Place, want map[string]string) {
		t.Helper()
		y.until(p.Scheme+" has the rows", func() bool { return maps.Equal(persons(t, p), want) })
	}
	y.mail("1")
	want := map[string]string{"1-a": "nobody ann", "1-b": "nobody bob"} // else the test shows nothing
	until(places[0], want)
	until(places[1], want)

	y.erase()
	y.until("the worker knows", func() bool { return strings.Contains(f.log.String(), "list of erased persons read") })
	y.mail("2")
	want["2-a"], want["2-b"] = "erased", "nobody bob"
	until(places[0], want)
	until(places[1], want)

	if _, err := y.conn.StartReplay(t.Context(), stream.ReplayRequest{Target: places[1].Consumer}); err != nil {
		t.Fatal(err)
	}
	want["1-a"] = "erased" // the erased row wins, and of Ann's first row only an erasure is left to do
	until(places[1], want)
	for _, p := range places {
		if diff := cmp.Diff([]string{"1-a", "1-b", "2-a", "2-b"}, slices.Sorted(maps.Keys(persons(t, p)))); diff != "" {
			t.Errorf("%s: events (-want +got):\n%s", p.Scheme, diff)
		}
	}
}

// A worker that cannot read the list writes nothing to the warehouse and says why.
func TestUnreadableListOfErasedPersons(t *testing.T) {
	t.Parallel()
	y := newYard(t)
	p, err := place.Parse("duckdb:" + y.file("e.duckdb"))
	if err != nil {
		t.Fatal(err)
	}
	y.erase()
	y.mail("1")
	for secret, want := range map[string]string{"": "set PRIVACY_KEY", strings.Repeat("x", 32): "fingerprint"} {
		y.env = map[string]string{"PRIVACY_KEY": secret}
		f := y.start(&filler{t: t}, p.URL, "warehouse,suppression")
		y.until("the worker says why", func() bool {
			code, body := f.ready()
			return code == http.StatusServiceUnavailable && strings.Contains(body, want)
		})
		y.until("the other consumer works", func() bool {
			_, body := f.ready()
			return !strings.Contains(body, "suppression")
		})
		f.stop()
		if rows := persons(t, p); len(rows) != 0 {
			t.Errorf("with the secret %q the warehouse has %v", secret, rows)
		}
	}
	y.env = map[string]string{"PRIVACY_KEY": privacySecret}
	y.start(&filler{t: t}, p.URL, "warehouse")
	y.until("the rows are there", func() bool {
		return maps.Equal(persons(t, p), map[string]string{"1-a": "erased", "1-b": "nobody bob"})
	})
}

// The worker applies the file to every row, and refuses to start with a mistake in it.
func TestPolicyOfWarehouses(t *testing.T) {
	t.Parallel()
	y := newYard(t)
	p, err := place.Parse("duckdb:" + y.file("e.duckdb"))
	if err != nil {
		t.Fatal(err)
	}
	file := y.file("privacy.yaml")
	y.env = map[string]string{"PRIVACY_KEY": privacySecret, "PRIVACY_FILE": file}
	const text = `version: 1
key: {id: k1, env: PRIVACY_KEY}
columns: {customer_id: hash, email_address: hash, identifier_email: hash, recipient: hash, subject: drop}
payload: redact
`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	y.start(&filler{t: t}, p.URL, "warehouse")
	y.mail("1")
	y.until("the rows are there", func() bool {
		return maps.Equal(persons(t, p), map[string]string{"1-a": "nobody", "1-b": "nobody"})
	})
	if err := os.WriteFile(file, []byte(text+"more: 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var cfg workerapp.Config
	set := config.New("worker", func(name string) string { return y.env[name] })
	cfg.Declare(set)
	if err := set.Parse(nil); err == nil || !strings.Contains(err.Error(), "PRIVACY_FILE: "+file+`:5: unknown key "more"`) {
		t.Errorf("a file with a mistake: %v", err)
	}
}
