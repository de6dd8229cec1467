package duckdb_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cioevents/cioevents/internal/privacy"
	"github.com/cioevents/cioevents/internal/privacy/privacytest"
	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/duckdb"
	"github.com/cioevents/cioevents/internal/warehouse/warehousetest"
	"github.com/cioevents/cioevents/pkg/webhook"
)

// people is a database file, as the suite knows a store.
type people struct{ place }

func (p people) Store(*testing.T) privacy.Store { return &duckdb.People{Path: p.path} }

func (p people) Add(t *testing.T, events []privacytest.Event) {
	t.Helper()
	warehousetest.Fill(t, p.Sink(t), rowsOf(t, events))
}

// rowsOf returns the rows that a worker makes of the suite's events.
func rowsOf(t *testing.T, events []privacytest.Event) []warehouse.Row {
	t.Helper()
	rows := make([]warehouse.Row, len(events))
	for i, e := range events {
		if err := rows[i].Parse(e.Body, warehouse.Origin{EventID: e.ID, Workspace: e.Workspace, ReceivedAt: e.At}); err != nil {
			t.Fatal(err)
		}
	}
	return rows
}

func (p people) Read(t *testing.T) map[privacytest.Key]string {
	t.Helper()
	events := map[privacytest.Key]string{}
	for _, row := range p.place.Read(t) {
		metric, _ := row["metric"].(string)
		events[privacytest.Key{Workspace: row["workspace"].(string), ID: row["event_id"].(string), Metric: webhook.Metric(metric)}] = fmt.Sprint(row)
	}
	return events
}

func TestPeople(t *testing.T) {
	t.Parallel()
	privacytest.Run(t, privacytest.Features{}, func(t *testing.T) privacytest.Place {
		t.Helper()
		return people{place{filepath.Join(t.TempDir(), "e.duckdb")}}
	})
}

// odd are identifiers in data, in spellings that the suite lacks.
var odd = []string{
	`"identifiers":{"email":"Jo.Doe@Example.com"}`, `"identifiers":{"email":"\u00a0jo.doe@example.com\t"}`, `"identifiers":{"email":"jo.doe@ example.com"}`,
	`"identifiers":{"email":"\"jo.doe\"@example.com"}`, `"identifiers":{"email":"\"jo\\.doe\"@example.com"}`, `"identifiers":{"email":"Jo (doe@x) <jo.doe@example.com>"}`,
	`"identifiers":{"email":"jo.doe@example.org"}`, `"identifiers":{"email":"JÜRGEN@example.com"}`, `"identifiers":{"email":"a@example.com"}`,
	`"identifiers":{"email":"\"A b\"@example.com"}`, `"identifiers":{"email":"\"a\\ b\"@example.com"}`, `"identifiers":{"email":"  "},"recipient":" jo.doe@example.com"`,
	`"identifiers":{"id":" jo-1\u0085"}`, `"identifiers":{"id":"jo-10"}`, `"customer_id":"\u00a0 "`, `"customer_id":4711`, `"identifiers":{"cio_id":"cio_c10a7 "}`,
	`"identifiers":{"phone":" +1555\u00307"}`, `"identifiers":{"phone":15557}`, `"identifiers":{"id":" ","phone":"+15557"},"recipient":"jo.doe@example.com"`,
	`"identifiers":{"id":"\t","cio_id":"\u0085"},"recipient":"jo.doe@example.com"`, `"identifiers":{"id":"~jo"},"recipient":"jo.doe@example.com"`,
	`"recipient":"\u212Ao@example.com"`, `"identifiers":{"email":"ko@example.com"}`, `"email_address":"Jo <jo.doe@example.com>"`, `"recipient":"<jo.doe@example.com>, a@example.com"`,
}

// A search in the file decides as Person.Matches does, for one identifier and for many.
func TestPeopleInOddSpellings(t *testing.T) {
	t.Parallel()
	events := make([]privacytest.Event, len(odd))
	for i, data := range odd {
		id := fmt.Sprint("e", i)
		body := fmt.Sprintf(`{"event_id":%q,"object_type":"email","metric":"sent","timestamp":1760000000,"data":{"subject":%q,%s}}`, id, strings.Repeat("x", i), data)
		events[i] = privacytest.Event{Workspace: "acme", ID: id, Metric: "sent", At: time.Unix(1_760_000_100, 0), Body: []byte(body)}
	}
	store := people{place{filepath.Join(t.TempDir(), "e.duckdb")}}
	store.Add(t, events)
	var all []privacy.Identifier
	for kind, values := range map[privacy.Kind][]string{
		privacy.Email: {"jo.doe@example.com", "jürgen@example.com", "a@example.com", `"a b"@example.com`, "ko@example.com", "b@b.example", "c@c.example", "d@d.example", "e@e.example"},
		privacy.ID:    {"jo-1", "4711", "~jo"}, privacy.CioID: {"c10a7"}, privacy.Phone: {"+15557", "+155507", "15557"},
	} {
		for _, value := range values {
			id, err := privacy.ParseIdentifier(kind, value)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, id)
			wantMatches(t, store, events, id)
		}
	}
	if n := wantMatches(t, store, events, all...); n < 20 {
		t.Errorf("%d events are the person's: the test shows little", n)
	}
}

// wantMatches fails the test unless a search finds the events that Person.Matches accepts.
func wantMatches(t *testing.T, s people, events []privacytest.Event, ids ...privacy.Identifier) (want int64) {
	t.Helper()
	person := privacy.Person{Workspace: "acme", Identifiers: ids}
	for _, e := range events {
		parsed, err := webhook.Parse(e.Body)
		if err != nil {
			t.Fatal(err)
		}
		if person.Matches(e.Workspace, parsed) {
			want++
		}
	}
	found, err := s.Store(t).Find(t.Context(), []privacy.Person{person})
	if err != nil || found[0].Events != want {
		t.Errorf("%q: found %+v, want %d events, %v", ids, found, want, err)
	}
	return want
}

// The error of a search does not repeat the statement, which has the identifier.
func TestPeopleErrorHasNoIdentifier(t *testing.T) {
	t.Parallel()
	p := annsFile(t)
	mustRun(t, p.path, "ALTER TABLE messaging.customerio_events DROP COLUMN cio_id")
	_, err := (&duckdb.People{Path: p.path}).Find(t.Context(), []privacy.Person{ann})
	if err == nil || strings.Contains(err.Error(), "LINE") || strings.Contains(err.Error(), "ann") {
		t.Errorf("Find: %v; want an error without the statement", err)
	}
}

// A search and an erasure do not create a file.
func TestPeopleWithoutFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "e.duckdb")
	store := &duckdb.People{Path: path}
	_, found := store.Find(t.Context(), nil)
	_, erased := store.Erase(t.Context(), nil, privacy.EraseOptions{})
	if _, err := os.Stat(path); found == nil || erased == nil || err == nil {
		t.Errorf("Find: %v, Erase: %v, file: %v", found, erased, err)
	}
}

func TestViewsAfterErasure(t *testing.T) {
	t.Parallel()
	p := place{filepath.Join(t.TempDir(), "e.duckdb")}
	warehousetest.Erasures(t, p, warehousetest.MixedRows(4000, 7), p.query, &duckdb.People{Path: p.path})
}
