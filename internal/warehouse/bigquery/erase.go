package bigquery

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/cioevents/cioevents/internal/privacy"
	"github.com/cioevents/cioevents/internal/warehouse"
)

// Erase implements privacy.Store. A search finds the rows, and one statement changes the
// rows of all persons, or several statements for more than 8,000 rows. Progress counts
// statements.
//
// A statement may change rows that the Write API has just written. It may not within a
// transaction of several statements, and it may not change rows that insertAll has written
// within 30 minutes
// (https://cloud.google.com/bigquery/docs/data-manipulation-language#limitations).
//
// Old rows stay readable by time travel, and then recoverable by Google for 7 days
// (https://cloud.google.com/bigquery/docs/time-travel).
func (p *People) Erase(ctx context.Context, persons []privacy.Person, o privacy.EraseOptions) (erased privacy.Erased, err error) {
	at := o.At
	if at.IsZero() {
		at = time.Now()
	}
	err = p.search(ctx, persons, func(r *Reader, hits []hit) error {
		var statements []string
		for _, where := range conditions(hits) {
			statements = append(statements, eraseStatement(quote(p.Config.Project, r.cfg.Dataset, Raw), where, at, o.Rows))
		}
		if _, err := r.changeAll(ctx, statements, o.Progress); err != nil {
			return err
		}
		erased.Events = int64(len(keysOf(hits)))
		erased.CleanAt, err = r.cleanAt(ctx, erased.Events)
		return err
	})
	return erased, err
}

// eraseStatement returns the statement that erases the rows of a condition.
func eraseStatement(table, where string, at time.Time, rows bool) string {
	if rows {
		return "DELETE FROM " + table + "\nWHERE " + where
	}
	set := map[string]string{
		"erased_at": "TIMESTAMP '" + at.UTC().Format("2006-01-02 15:04:05.000000") + "'",
		"payload":   "JSON_STRIP_NULLS(JSON_OBJECT('event_id', event_id, 'metric', metric, 'timestamp', UNIX_SECONDS(`timestamp`)))", // warehouse.ErasedPayload
	}
	for _, c := range warehouse.Columns() {
		if c.Personal {
			set[c.Name] = "NULL"
		}
	}
	return updateStatement(table, set, where)
}

func updateStatement(table string, set map[string]string, where string) string {
	var list []string
	for _, name := range slices.Sorted(maps.Keys(set)) {
		list = append(list, quote(name)+" = "+set[name])
	}
	return "UPDATE " + table + "\nSET " + strings.Join(list, ",\n  ") + "\nWHERE " + where
}

// ErasureStatements returns the statements of an erasure of an example, for a check of the
// SQL: the search, the reading of payloads, and the two ways to erase.
func ErasureStatements(project, dataset string) []string {
	person := privacy.Person{Workspace: "w", Identifiers: []privacy.Identifier{
		{Kind: privacy.ID, Value: "1"}, {Kind: privacy.CioID, Value: "2"}, {Kind: privacy.Email, Value: "ü@example.com"}, {Kind: privacy.Phone, Value: "+15550100"},
	}}
	table, now := quote(project, dataset, Raw), time.Now()
	where := conditions([]hit{{key: warehouse.Key{Workspace: "w", EventID: "1"}, occurred: now}})[0]
	return []string{
		newQuestion([]privacy.Person{person}, nil).statement(table),
		"SELECT " + payloadEmail + ", " + payloadPhone + " FROM " + table + " WHERE " + where,
		eraseStatement(table, where, now, false),
		eraseStatement(table, where, now, true),
	}
}

// A Rewriting configures Rewrite. All fields are required.
type Rewriting struct {
	Config Config
	// Set has the SQL of the new values by the names of columns. BigQuery keeps the text of
	// the statement: a key must not be part of it.
	Set map[string]string
	// Where is the condition of the rows to change.
	Where    string
	Progress func(done, total int64)
}

// Rewrite changes rows of all days with one statement. Events counts rows: an event may have
// several.
func Rewrite(ctx context.Context, w Rewriting) (erased privacy.Erased, err error) {
	r, err := OpenReader(ctx, w.Config)
	if err != nil {
		return erased, err
	}
	defer r.Close()
	statement := updateStatement(quote(w.Config.Project, r.cfg.Dataset, Raw), w.Set, w.Where)
	if erased.Events, err = r.changeAll(ctx, []string{statement}, w.Progress); err != nil {
		return erased, err
	}
	erased.CleanAt, err = r.cleanAt(ctx, erased.Events)
	return erased, err
}

// Google's time travel without a setting of the dataset, and the fail-safe period after it.
const (
	defaultTimeTravel = 7 * 24 * time.Hour
	failSafe          = 7 * 24 * time.Hour
)

// cleanAt returns the time from which Google has no changed row any more, zero if no row
// was changed.
func (r *Reader) cleanAt(ctx context.Context, changed int64) (time.Time, error) {
	if changed == 0 {
		return time.Time{}, nil
	}
	meta, err := r.client.Dataset(r.cfg.Dataset).Metadata(ctx)
	if err != nil {
		return time.Time{}, fmt.Errorf("read time travel of the dataset: %w", r.explain(ctx, err))
	}
	travel := meta.MaxTimeTravel
	if travel <= 0 {
		travel = defaultTimeTravel
	}
	return time.Now().Add(travel + failSafe), nil
}
