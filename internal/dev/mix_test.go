package dev_test

import (
	"testing"

	"github.com/cioevents/cioevents/internal/customerio/customeriotest"
	"github.com/cioevents/cioevents/internal/dev"
	"github.com/cioevents/cioevents/internal/operate"
	"github.com/cioevents/cioevents/internal/warehouse/duckdb"
	"github.com/cioevents/cioevents/pkg/webhook"
	"github.com/cioevents/cioevents/pkg/webhook/webhooktest"
)

// Every event of a mix becomes a row, also an open with the event_id of its click, and no
// body is altered. Hard bounces and complaints at a person's own address suppress, soft and
// unknown bounces do not.
func TestMixThroughThePipeline(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, stop := start(t, dir)
	mix := webhooktest.Mix{Seed: 1, Deliveries: 2000}
	people := map[string]bool{} // whether to suppress
	for body := range mix.Events() {
		e, err := webhook.Parse(body)
		if err != nil {
			t.Fatal(err)
		}
		id := e.Identifiers
		lost, known := people[id.ID]
		if !known {
			s.Fake.Seed(customeriotest.Profile{CioID: id.CioID, ID: id.ID, Email: id.Email})
		}
		gone := e.Metric == webhook.Spammed || e.ObjectType == webhook.Email && e.BounceClass() == webhook.BounceHard
		people[id.ID] = lost || gone && e.Recipient == id.Email
	}
	report, err := operate.Sender{URL: s.WebhookURL(), Key: dev.DefaultKey, Retries: 10}.Send(t.Context(), mix.Events())
	totals := mix.Totals()
	if err != nil || report.Sent != totals.Events || report.Duplicates > 0 || report.Kept > 0 {
		t.Errorf("send: %+v, %v; want %d sent", report, err, totals.Events)
	}
	awaitDrained(t, s)
	stop()
	for id, lost := range people {
		if s.Fake.Suppressed(id) != lost {
			t.Errorf("%s is suppressed: %v, want %v", id, !lost, lost)
		}
	}
	table, err := duckdb.Query(t.Context(), dir+"/customerio.duckdb", `SELECT count(*), count(DISTINCT event_id) < count(*),
		count(*) FILTER (payload_altered), count(*) FILTER (object_type <> 'customer' AND source IS NULL) FROM customerio_events`)
	if err != nil {
		t.Fatal(err)
	}
	if r := table.Rows[0]; r[0] != int64(totals.Events) || r[1] != true || r[2] != int64(0) || r[3] != int64(0) {
		t.Errorf("rows, shared ids, altered rows and rows without a source are %v, want %d, true, 0, 0", r, totals.Events)
	}
}
