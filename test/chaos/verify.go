package main

import (
	"context"
	"fmt"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/warehouse/duckdb"
	"github.com/cioevents/cioevents/pkg/webhook"
	"github.com/cioevents/cioevents/test/lab"
)

// verify writes to the report where the events are.
func (d *deployment) verify(ctx context.Context, r *Report, h *lab.History, bodies [][]byte) error {
	sent := map[string]bool{}
	odd := map[string]bool{}
	for _, body := range bodies {
		if e, err := webhook.ParseEnvelope(body); err == nil {
			sent[e.EventID] = true
		} else {
			odd[string(body)] = true
		}
	}
	r.Unique = len(sent)
	dead := map[string]bool{}
	if err := d.client.TailDeadLetters(ctx, stream.Selection{}, func(l event.StoredDeadLetter) bool {
		d.dead = append(d.dead, l.DeadLetter)
		return true
	}); err != nil {
		return fmt.Errorf("read dead letters: %w", err)
	}
	for i := range d.dead {
		switch l := &d.dead[i]; {
		case l.From == event.FromIngest:
			delete(odd, string(l.Body))
		case l.Reason == heldSuppression:
			r.Held++
		default:
			r.Dead++
			dead[l.ID] = true
		}
	}
	if err := d.stored(ctx, r, sent); err != nil {
		return err
	}
	r.OddLost = len(odd)
	if err := d.release(ctx, r, h.Bounced()); err != nil {
		return err
	}
	r.BigQuery = count(d.bigquery.EventIDs(), sent, dead)
	for _, p := range d.workers {
		p.Stop() // DuckDB locks the file while a worker runs.
	}
	table, err := duckdb.Query(ctx, d.duckdb, "SELECT event_id FROM messaging.customerio_events")
	if err != nil {
		return err
	}
	var ids []string
	for _, row := range table.Rows {
		ids = append(ids, fmt.Sprint(row[0]))
	}
	r.DuckDB = count(ids, sent, dead)
	r.Again = d.earlySuppressed() - early
	if err := h.Check(d.track.Fake); err != nil {
		r.Profiles = err.Error()
	}
	return nil
}

// Found compares the rows of a warehouse with the events that were sent.
type Found struct {
	Rows      int `json:"rows"`
	Events    int `json:"events"`
	Repeated  int `json:"repeated_rows"`
	Lost      int `json:"lost"`
	Strangers int `json:"never_sent"`
}

func count(ids []string, sent, dead map[string]bool) Found {
	f := Found{Rows: len(ids)}
	seen := map[string]bool{}
	for _, id := range ids {
		if !sent[id] {
			f.Strangers++
		}
		seen[id] = true
	}
	f.Events, f.Repeated = len(seen), len(ids)-len(seen)
	for id := range sent {
		if !seen[id] && !dead[id] {
			f.Lost++
		}
	}
	return f
}
