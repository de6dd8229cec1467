package operate_test

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"

	"github.com/cioevents/cioevents/internal/operate"
	"github.com/cioevents/cioevents/internal/privacy"
	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/bigquery/bigqueryfake"
	"github.com/cioevents/cioevents/internal/warehouse/bigquery/bigquerytest"
	"github.com/cioevents/cioevents/internal/warehouse/guard"
	"github.com/cioevents/cioevents/internal/warehouse/place"
	"github.com/cioevents/cioevents/internal/warehouse/warehousetest"
	"github.com/cioevents/cioevents/pkg/webhook/webhooktest"
)

const privacyFile = `version: 1
key: {id: k1, env: PRIVACY_KEY}
columns: {customer_id: hash, cio_id: drop, email_address: hash, identifier_email: hash, recipient: hash, subject: drop, href: hash, failure_message: hash, link_name: hash}
payload: `

// personalRows returns rows with all kinds of personal data, of which one is erased.
func personalRows(t *testing.T) []warehouse.Row {
	t.Helper()
	var rows []warehouse.Row
	var list [][]byte
	for _, p := range webhooktest.Payloads() {
		list = append(list, p.Body)
	}
	for _, body := range []string{
		`{"object_type":"email","metric":"bounced","data":{"identifiers":{"id":"a12","email":"Ann@mail.example"},"recipient":"Ann <ann@mail.example>","failure_message":"550 <ann@mail.example>. No (b.c@d.example.)","content":"x","headers":{"a":["b"]}}}`,
		`{"object_type":"email","metric":"failed","data":{"failure_message":"no address @ all, a@ @b"}}`,
		`{"object_type":"email","metric":"clicked","data":{"href":"https://x.example/a@b.example","link_id":"it's"}}`,
		`{"object_type":"email","metric":"clicked","data":{"href":"https://x.example/a?b=c#d"}}`,
		`{"object_type":"email","metric":"clicked","data":{"href":"https://x.example/a","content":null}}`,
		`{"metric":"x","content":"y"}`,
		`{}`,
	} {
		list = append(list, []byte(body))
	}
	for i, body := range list {
		var r warehouse.Row
		if err := r.Parse(body, warehouse.Origin{EventID: fmt.Sprint("e", i), Workspace: "acme", ReceivedAt: time.Unix(1_760_000_000, 0).UTC(), Sequence: uint64(i + 1)}); err != nil {
			t.Fatal(err)
		}
		rows = append(rows, r)
	}
	rows[0].Erase(time.Unix(1_770_000_000, 0).UTC())
	return rows
}

// check and apply agree with what the worker does to new rows.
func TestOldRowsFollowAPolicy(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"redact", "drop"} {
		p, err := guard.ParsePolicy("p", []byte(privacyFile+mode), "0123456789abcdef0123456789abcdef")
		if err != nil {
			t.Fatal(err)
		}
		checkOldRows(t, p)
	}
	p, err := guard.ParsePolicy("p", []byte("version: 1\npayload: strip"), "")
	if err != nil {
		t.Fatal(err)
	}
	checkOldRows(t, p)
}

func checkOldRows(t *testing.T, p *guard.Policy) {
	t.Helper()
	rows, want := personalRows(t), map[string]int64{}
	var violating int64
	for i := range rows {
		after := rows[i]
		if p.Apply(&after) {
			violating++
		}
		for _, c := range warehouse.Columns() {
			if (c.Personal || c.Name == "payload") && !cmp.Equal(warehousetest.Value(&c, &rows[i]), warehousetest.Value(&c, &after)) {
				want[c.Name]++
			}
		}
	}
	dir := t.TempDir()
	list, err := place.ParseList([]string{"duckdb:" + filepath.Join(dir, "e.duckdb"), "parquet:" + filepath.Join(dir, "events")})
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range list {
		sink, err := w.Sink(zerolog.Nop())
		if err != nil {
			t.Fatal(err)
		}
		warehousetest.Fill(t, sink, personalRows(t))
		got := counts(t, w, p, violating)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: violations (-want +got):\n%s", w.Scheme, diff)
		}
		if done, err := operate.ApplyPrivacy(t.Context(), w, p, 0, nil); err != nil || done.Events != violating {
			t.Errorf("%s: applied to %+v, %v; want %d rows", w.Scheme, done, err, violating)
		}
		if got := counts(t, w, p, 0); len(got) != 0 {
			t.Errorf("%s: violations after apply: %v", w.Scheme, got)
		}
		checkStored(t, w, p)
	}
}

// counts returns the violating rows by column, without zeros.
func counts(t *testing.T, w place.Place, p *guard.Policy, violating int64) map[string]int64 {
	t.Helper()
	check, err := operate.CheckPrivacy(t.Context(), w, p)
	if err != nil {
		t.Fatal(err)
	}
	if check.Rows != int64(len(personalRows(t))) || check.Violating != violating {
		t.Errorf("%s: %d of %d rows violate the policy; want %d", w.Scheme, check.Violating, check.Rows, violating)
	}
	got := map[string]int64{}
	for _, c := range check.Columns {
		if c.Rows > 0 {
			got[c.Column] = c.Rows
		}
	}
	return got
}

// checkStored compares the stored rows with the rows that a worker writes under the policy.
func checkStored(t *testing.T, w place.Place, p *guard.Policy) {
	t.Helper()
	reader, err := w.Reader(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	result, err := reader.Query(t.Context(), "SELECT customer_id, email_address, recipient, href, failure_message, payload FROM "+w.Rows()+" ORDER BY stream_sequence")
	if err != nil {
		t.Fatal(err)
	}
	rows, i := personalRows(t), 0
	for got, err := range result.Each {
		if err != nil {
			t.Fatal(err)
		}
		r := &rows[i]
		i++
		p.Apply(r)
		want := []any{r.PersonID, r.Address, r.Recipient, r.Href, r.FailureMessage, string(r.Raw)}
		for j, v := range got {
			text := fmt.Sprint(v)
			if b, ok := v.(interface{ MarshalJSON() ([]byte, error) }); ok {
				raw, err := b.MarshalJSON()
				if err != nil {
					t.Fatal(err)
				}
				text = string(bytes.TrimSpace(raw))
			}
			if v == nil {
				text = ""
			}
			if text != want[j] {
				t.Errorf("%s: row %d is stored with %q; a worker writes %q", w.Scheme, i, text, want[j])
			}
		}
	}
}

// BigQuery drops columns and payloads by SQL, and says which columns it cannot hash.
func TestOldRowsOfBigQuery(t *testing.T) {
	t.Parallel()
	server := bigquerytest.Start(t, bigqueryfake.Config{})
	w, err := place.Parse("bigquery://proj?rest=" + server.RESTEndpoint() + "&grpc=" + server.GRPCEndpoint())
	if err != nil {
		t.Fatal(err)
	}
	sink, err := w.Sink(zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	warehousetest.Fill(t, sink, personalRows(t))
	p, err := guard.ParsePolicy("p", []byte("version: 1\nkey: {id: k1, env: PRIVACY_KEY}\ncolumns: {subject: drop, recipient: drop, customer_id: hash}\npayload: redact"), "0123456789abcdef0123456789abcdef")
	if err != nil {
		t.Fatal(err)
	}
	before, err := operate.CheckPrivacy(t.Context(), w, p)
	if err != nil || before.Violating == 0 {
		t.Fatalf("check: %+v, %v", before, err)
	}
	done, err := operate.ApplyPrivacy(t.Context(), w, p, 0, nil)
	if err != nil || done.Events == 0 || !done.NotClean || !strings.Contains(done.Note, "in customer_id:") {
		t.Errorf("applied: %+v, %v", done, err)
	}
	after, err := operate.CheckPrivacy(t.Context(), w, p)
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range after.Columns {
		if left := c.Column == "customer_id"; left != (c.Rows > 0) || before.Columns[i].Rows == 0 {
			t.Errorf("%s: %d rows violate the policy, before %d", c.Column, c.Rows, before.Columns[i].Rows)
		}
	}
}

// A person is found in rows that a policy has hashed, also by an address in another spelling.
func TestPersonInHashedRows(t *testing.T) {
	t.Parallel()
	const secret = "0123456789abcdef0123456789abcdef"
	p, err := guard.ParsePolicy("p", []byte("version: 1\nkey: {id: k1, env: PRIVACY_KEY}\ncolumns: {customer_id: hash, email_address: hash, identifier_email: hash, recipient: hash}\npayload: redact"), secret)
	if err != nil {
		t.Fatal(err)
	}
	key, err := privacy.NewKey("k1", []byte(secret))
	if err != nil {
		t.Fatal(err)
	}
	w, err := place.Parse("duckdb:" + filepath.Join(t.TempDir(), "e.duckdb"))
	if err != nil {
		t.Fatal(err)
	}
	sink, err := w.Sink(zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	rows := personalRows(t)
	for i := range rows {
		p.Apply(&rows[i])
	}
	warehousetest.Fill(t, sink, rows)
	store, err := w.People(&key, 0)
	if err != nil {
		t.Fatal(err)
	}
	for kind, value := range map[privacy.Kind]string{privacy.ID: "a12", privacy.Email: "ANN@mail.example"} {
		id, err := privacy.ParseIdentifier(kind, value)
		if err != nil {
			t.Fatal(err)
		}
		found, err := store.Find(t.Context(), []privacy.Person{{Workspace: "acme", Identifiers: []privacy.Identifier{id}}})
		if err != nil || found[0].Events != 1 {
			t.Errorf("%s %s: found %+v, %v; want one event", kind, value, found, err)
		}
	}
}
