package main

import (
	"context"
	"fmt"
	"syscall"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/warehouse/duckdb"
	"github.com/cioevents/cioevents/pkg/webhook"
	"github.com/cioevents/cioevents/test/lab"
)

// verify fills the report with what became of the events.
func (b *house) verify(ctx context.Context, r *Report, h *lab.History, bodies [][]byte) error {
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
	if err := b.conn.TailDeadLetters(ctx, stream.Selection{}, func(d event.DeadLetter) bool {
		if d.From == event.FromIngest {
			delete(odd, string(d.Body))
			return true
		}
		r.Dead++
		dead[d.ID] = true
		return true
	}); err != nil {
		return fmt.Errorf("read dead letters: %w", err)
	}
	r.OddLost = len(odd)
	var ids []string
	for _, row := range b.bigquery.Rows(project, dataset, "customerio_events_raw") {
		ids = append(ids, fmt.Sprint(row["event_id"]))
	}
	r.BigQuery = count(ids, sent, dead)
	for _, p := range b.workers {
		p.end(syscall.SIGTERM) // the file of DuckDB is theirs
	}
	table, err := duckdb.Query(ctx, b.duckdb, "SELECT event_id FROM messaging.customerio_events")
	if err != nil {
		return err
	}
	ids = ids[:0]
	for _, row := range table.Rows {
		ids = append(ids, fmt.Sprint(row[0]))
	}
	r.DuckDB = count(ids, sent, dead)
	if err := h.Check(b.track); err != nil {
		r.Profiles = err.Error()
	}
	return nil
}

// A Found says what of the events is in a warehouse.
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
