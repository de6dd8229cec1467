package audit

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/pkg/webhook"
)

const (
	// slack is how much earlier the row of a metric may be than Customer.io's time of the
	// metric.
	slack = 24 * time.Hour
	// repeats is how much earlier than a repeated call the first call of an event may have
	// been: Customer.io repeats a call for 7 days.
	repeats = 8 * 24 * time.Hour
)

// tries bounds how often load begins: a compaction deletes listed files before they are read.
const tries = 3

// load reads the rows of the period. A second try may read a row again, which changes
// nothing.
func (a *auditor) load(ctx context.Context) error {
	var err error
	for range tries {
		err = a.scan(ctx)
		if err == nil || ctx.Err() != nil || !a.Warehouse.ReplacesFiles() {
			break
		}
	}
	a.rows.sort()
	return err
}

// scan reads the rows and closes the warehouse: a worker waits for a DuckDB file meanwhile,
// and reading from Customer.io takes minutes.
func (a *auditor) scan(ctx context.Context) (err error) {
	waiting, cancel := context.WithTimeoutCause(ctx, a.Wait, fmt.Errorf("warehouse not open within %s", a.Wait))
	defer cancel()
	r, tables, err := a.Warehouse.Scan(waiting)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	for _, table := range tables {
		if err := a.loadTable(ctx, r, table); err != nil {
			return fmt.Errorf("read warehouse: %w", err)
		}
	}
	return nil
}

func (a *auditor) loadTable(ctx context.Context, r warehouse.Reader, table string) error {
	if a.App != nil {
		if err := each(ctx, r, a.deliveriesSQL(table), a.delivery); err != nil {
			return err
		}
	}
	if a.Stream != nil {
		return each(ctx, r, a.eventsSQL(table), a.event)
	}
	return nil
}

func each(ctx context.Context, r warehouse.Reader, statement string, fn func(row []any)) error {
	rows, err := r.Query(ctx, statement)
	if err != nil {
		return err
	}
	for row, err := range rows.Each {
		if err != nil {
			return err
		}
		fn(row)
	}
	return nil
}

// deliveriesSQL returns the metrics of deliveries from the period on, without grouping: a
// scan needs no memory in the warehouse. The view of a Parquet folder would group all rows
// by event, although a repeated row changes nothing here. A row of a later time proves that
// a webhook of the delivery and the metric has arrived, such as a second open. The
// statement has the same meaning in each dialect.
func (a *auditor) deliveriesSQL(table string) string {
	since := literal(a.Since.Add(-slack))
	names := make([]string, len(compared))
	for i, m := range compared {
		names[i] = quote(string(m))
	}
	const at = "coalesce(e.timestamp, e.received_at)"
	return "SELECT e.delivery_id, e.metric, e.object_type, e.source, e.source_id, e.action_id, e.content_id," +
		" CASE WHEN " + at + " >= " + literal(a.Since) + " AND " + at + " < " + literal(a.Until) + " THEN 1 ELSE 0 END" +
		" FROM " + table + " e WHERE e.workspace = " + quote(a.Workspace) + " AND e.delivery_id IS NOT NULL" +
		" AND (e.object_type IS NULL OR e.object_type <> 'customer') AND e.metric IN (" + strings.Join(names, ", ") + ")" +
		" AND (e.timestamp >= " + since + " OR e.timestamp IS NULL AND e.received_at >= " + since + ")"
}

// delivery notes a row of deliveriesSQL.
func (a *auditor) delivery(row []any) {
	metric, kind := text(row[1]), webhook.ObjectType(text(row[2]))
	e := entry{stored: bitOf(webhook.Metric(metric))}
	if row[7] == int64(1) {
		e.within = e.stored
		a.sample.add(text(row[0]))
	}
	a.index.add(text(row[0]), Message{kind, text(row[3]), text(row[4]), number(row[5]), number(row[6])}, e)
}

// eventsSQL returns the keys of events. The filter by the time of an event lets BigQuery
// read a few partitions instead of the whole table.
func (a *auditor) eventsSQL(table string) string {
	oldest := literal(a.oldest())
	return "SELECT e.event_id, e.metric FROM " + table + " e WHERE e.workspace = " + quote(a.Workspace) +
		" AND e.received_at >= " + oldest + " AND (e.timestamp >= " + oldest + " OR e.timestamp IS NULL)"
}

// oldest returns the time before which an event is not compared with the stream.
func (a *auditor) oldest() time.Time { return a.Since.Add(-repeats) }

// event notes a row of eventsSQL.
func (a *auditor) event(row []any) {
	a.rows.add(a.index.hash(text(row[0]), text(row[1])))
}

// literal returns a timestamp in the SQL of each warehouse.
func literal(t time.Time) string {
	return "TIMESTAMP '" + t.UTC().Format("2006-01-02 15:04:05") + "+00'"
}

// quote returns a text in the SQL of each warehouse. The name of a workspace has neither
// quotes nor backslashes.
func quote(text string) string { return "'" + text + "'" }

// text returns a text of a row, "" for NULL.
func text(value any) string {
	s, _ := value.(string)
	return s
}

// number returns an integer of a row, 0 for NULL.
func number(value any) int64 {
	n, _ := value.(int64)
	return n
}
