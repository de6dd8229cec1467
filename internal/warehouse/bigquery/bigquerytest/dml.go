package bigquerytest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/bigquery"
	"github.com/cioevents/cioevents/internal/warehouse/bigquery/bigqueryfake"
)

var (
	dml     = regexp.MustCompile(`^\s*(UPDATE|DELETE)\b`)
	inserts = regexp.MustCompile(`^\s*INSERT\b`)
)

// planDML returns the plan of a statement that changes rows of the events.
func planDML(statement string) (bigqueryfake.Plan, bool) {
	kind := dml.FindStringSubmatch(statement)
	if kind == nil {
		return bigqueryfake.Plan{}, false
	}
	words := strings.FieldsFunc(statement, func(r rune) bool {
		return r != '_' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	})
	return bigqueryfake.Plan{StatementType: kind[1], Reads: map[string][]string{bigquery.Raw: known(words, nil)}}, true
}

// Change implements bigqueryfake.Changer. DuckDB runs the statement over a copy of the rows
// and returns the changed rows.
func (e *engine) Change(ctx context.Context, q bigqueryfake.Query) (table string, changed map[int]map[string]any, err error) {
	db, err := sql.Open("duckdb", "")
	if err != nil {
		return "", nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	db.SetMaxOpenConns(1)
	if err := e.load(ctx, q, db); err != nil {
		return "", nil, err
	}
	changed, err = returned(ctx, db, translated(q.SQL))
	if dml.FindStringSubmatch(q.SQL)[1] == "DELETE" {
		for i := range changed {
			changed[i] = nil
		}
	}
	return bigquery.Raw, changed, err
}

// load makes a table with the rows that a statement can change.
func (e *engine) load(ctx context.Context, q bigqueryfake.Query, db *sql.DB) error {
	e.tables.mu.Lock()
	defer e.tables.mu.Unlock()
	attach, err := e.tables.attach(ctx, q, bigquery.Raw, warehouse.Columns())
	if err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, fmt.Sprintf("%s SET TimeZone = 'UTC'; CREATE SCHEMA %s; SET search_path = '%[2]s,main'; %s CREATE TABLE %s AS FROM \"copy of %[4]s\".%[4]s",
		attach, q.Dataset, macros, bigquery.Raw))
	return err
}

// returned runs a statement and returns the changed rows by their places.
func returned(ctx context.Context, db *sql.DB, statement string) (map[int]map[string]any, error) {
	names := []string{place}
	for _, c := range warehouse.Columns() {
		name := fmt.Sprintf("%q", c.Name)
		if c.Type == warehouse.JSON {
			name = "CAST(" + name + " AS VARCHAR)"
		}
		names = append(names, name)
	}
	found, err := db.QueryContext(ctx, statement+" RETURNING "+strings.Join(names, ", "))
	if err != nil {
		return nil, err
	}
	defer found.Close()
	rows := map[int]map[string]any{}
	for found.Next() {
		values, into := make([]any, len(names)), make([]any, len(names))
		for i := range values {
			into[i] = &values[i]
		}
		if err := found.Scan(into...); err != nil {
			return nil, err
		}
		row := map[string]any{}
		for i, c := range warehouse.Columns() {
			if at, ok := values[i+1].(time.Time); ok {
				values[i+1] = at.UTC()
			}
			row[c.Name] = values[i+1]
		}
		rows[int(values[0].(int64))] = row //nolint:errcheck,forcetypeassert // the statement selects a BIGINT
	}
	return rows, found.Err()
}

// macros are functions of GoogleSQL that DuckDB lacks.
const macros = `CREATE MACRO json_strip_nulls(j) AS json_merge_patch('{}', j); CREATE MACRO unix_seconds(t) AS CAST(epoch(t) AS BIGINT);`

// functions have another name or form in DuckDB.
var functions = strings.NewReplacer("JSON_VALUE(", "json_extract_string(", "TO_HEX(SHA256(", "lower(sha256(", "REGEXP_CONTAINS(", "regexp_matches(", "AS STRING)", "AS VARCHAR)")
