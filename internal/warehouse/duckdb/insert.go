package duckdb

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	duck "github.com/duckdb/duckdb-go/v2"

	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/duckdbsql"
	"github.com/cioevents/cioevents/pkg/webhook"
)

// distinct returns the places of the rows that can be stored, each key once, and
// what is said of the others. A row with the key of an earlier one is the same
// event: what becomes of the first holds for it.
func distinct(rows []warehouse.Row) ([]int, warehouse.Result) {
	var result warehouse.Result
	places := make([]int, 0, len(rows))
	seen := make(map[warehouse.Key]struct{}, len(rows))
	for i := range rows {
		if err := rows[i].Check(); err != nil {
			result.Rejected = append(result.Rejected, warehouse.Rejection{Index: i, Err: err})
			continue
		}
		key := rows[i].Key()
		if _, ok := seen[key]; ok {
			result.Duplicates++
			continue
		}
		seen[key] = struct{}{}
		places = append(places, i)
	}
	return places, result
}

// store inserts the rows at these places. When DuckDB refuses what is in them, it
// halves them until the refused ones are alone, and stores the others: a hundred
// bad rows among ten thousand cost a thousand statements, none cost one. What a
// half has stored stays when another ends in an error; it is then known.
func (s *Sink) store(ctx context.Context, rows []warehouse.Row, places []int, result *warehouse.Result) error {
	inserted, err := s.insertNew(ctx, rows, places)
	switch {
	case err == nil:
		result.Inserted += inserted
		result.Duplicates += len(places) - inserted
		return nil
	case !aboutRows(err):
		return err
	case len(places) > 1:
		half := len(places) / 2
		if err := s.store(ctx, rows, places[:half], result); err != nil {
			return err
		}
		return s.store(ctx, rows, places[half:], result)
	case !s.takesRows(ctx, rows[places[0]]):
		return fmt.Errorf("the table takes no row at all: %w", err)
	}
	result.Rejected = append(result.Rejected, warehouse.Rejection{Index: places[0], Err: refusal(err)})
	return nil
}

// takesRows reports whether the table takes a row that says no more than r must.
// If not, r is not to blame: somebody may have added a column that needs a value.
func (s *Sink) takesRows(ctx context.Context, r warehouse.Row) bool {
	bare := warehouse.NewRow(&webhook.Event{Raw: []byte("{}")},
		warehouse.Origin{EventID: "cioevents-probe", Workspace: r.Workspace, ReceivedAt: r.ReceivedAt})
	if err := s.file.exec(ctx, "BEGIN"); err != nil {
		return false
	}
	_, err := s.insertNew(ctx, []warehouse.Row{bare}, []int{0})
	return s.file.exec(ctx, "ROLLBACK") == nil && err == nil
}

// insertNew inserts those rows at these places that the table does not have, all
// or none, and returns their number.
func (s *Sink) insertNew(ctx context.Context, rows []warehouse.Row, places []int) (int, error) {
	s.rows, s.places = rows, places
	defer func() { s.rows, s.places = nil, nil }()
	done, err := s.file.conn.ExecContext(ctx, s.insert)
	if err != nil {
		return 0, fmt.Errorf("insert %d rows: %w", len(places), err)
	}
	inserted, err := done.RowsAffected()
	if err != nil {
		return 0, fmt.Errorf("count inserted rows: %w", err)
	}
	return int(inserted), nil
}

// registerBatch makes the rows of the Write under way visible as a table
// function. Each use in a statement reads them from the beginning.
func (s *Sink) registerBatch(conn *sql.Conn) error {
	err := duck.RegisterTableUDF(conn, "cioevents_batch", duck.ParallelChunkTableFunction{
		BindArguments: func(map[string]any, ...any) (duck.ParallelChunkTableSource, error) {
			return &batch{rows: s.rows, places: s.places, left: s.places, columns: s.columns}, nil
		},
	})
	if err != nil {
		return fmt.Errorf("register batch: %w", err)
	}
	return nil
}

// insertStatement inserts what the table does not have. The known keys are
// materialised first, so that the join reads no more of the table than its
// statistics on event_id cannot rule out.
func insertStatement(columns []warehouse.Column) string {
	names := make([]string, len(columns))
	values := make([]string, len(columns))
	for i, c := range columns {
		names[i] = quote(c.Name)
		values[i] = "s." + names[i]
		if c.Type == warehouse.JSON {
			values[i] = duckdbsql.JSON(values[i])
		}
	}
	return fmt.Sprintf(`INSERT INTO %[1]s (%[2]s)
WITH known AS MATERIALIZED (
  SELECT e.workspace, e.event_id FROM %[1]s e JOIN cioevents_batch() b ON e.event_id = b.event_id AND e.workspace = b.workspace
)
SELECT %[3]s FROM cioevents_batch() s
WHERE NOT EXISTS (SELECT 1 FROM known k WHERE k.event_id = s.event_id AND k.workspace = s.workspace)`,
		eventsTable, strings.Join(names, ", "), strings.Join(values, ", "))
}

func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }
