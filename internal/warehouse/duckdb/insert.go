package duckdb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	duck "github.com/duckdb/duckdb-go/v2"

	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/duckdbsql"
	"github.com/cioevents/cioevents/pkg/webhook"
)

// distinct returns the indexes of the rows to store, each key once, and a result
// that counts the other rows. A row with the key of an earlier row is the same event
// and shares the outcome of the first row.
func distinct(rows []warehouse.Row) ([]int, warehouse.Result) {
	var result warehouse.Result
	indexes := make([]int, 0, len(rows))
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
		indexes = append(indexes, i)
	}
	return indexes, result
}

// store inserts the rows at the indexes. When DuckDB refuses a value, store halves
// the batch until each refused row is alone, and stores the other rows. A hundred
// bad rows among ten thousand cost a thousand statements; a batch without a bad row
// costs one. The rows of a stored half stay when the other half ends in an error:
// the next attempt counts these rows as duplicates.
func (s *Sink) store(ctx context.Context, rows laidOut, result *warehouse.Result) error {
	indexes := rows.indexes
	inserted, err := s.insertNew(ctx, rows)
	switch {
	case err == nil:
		result.Inserted += inserted
		result.Duplicates += len(indexes) - inserted
		return nil
	case !aboutRows(err):
		return err
	case len(indexes) > 1:
		half := len(indexes) / 2
		for _, part := range [][]int{indexes[:half], indexes[half:]} {
			// With the columns of the part: a column without a value has the default of the
			// table's owner, if any, and not NULL.
			if err := s.store(ctx, s.layOut(rows.rows, part), result); err != nil {
				return err
			}
		}
		return nil
	case !s.acceptsRows(ctx, rows.rows[indexes[0]]):
		return fmt.Errorf("table refuses every row: remove rules or required columns that were added to it: %w", err)
	}
	result.Rejected = append(result.Rejected, warehouse.Rejection{Index: indexes[0], Err: refusal(err)})
	return nil
}

// acceptsRows reports whether the table takes a probe, a row with the required
// columns only. When the table refuses the probe, row r is not to blame: somebody
// may have added a column that needs a value.
func (s *Sink) acceptsRows(ctx context.Context, r warehouse.Row) bool {
	probe := warehouse.NewRow(&webhook.Event{Raw: []byte("{}")},
		warehouse.Origin{EventID: "cioevents-probe", Workspace: r.Workspace, ReceivedAt: r.ReceivedAt})
	if err := s.file.exec(ctx, "BEGIN"); err != nil {
		return false
	}
	_, err := s.insertNew(ctx, s.layOut([]warehouse.Row{probe}, []int{0}))
	return s.file.exec(ctx, "ROLLBACK") == nil && err == nil
}

// insertNew inserts the rows, except rows that the table has, and
// returns the number of new rows. After an error no row is inserted.
func (s *Sink) insertNew(ctx context.Context, rows laidOut) (int, error) {
	defer func() { s.rows, s.indexes, s.parts = nil, nil, parts{} }()
	s.rows, s.indexes = rows.rows, rows.indexes
	perhaps := s.perhapsKnown(ctx, s.rows, s.indexes)
	if s.looksRepeated(perhaps) {
		repeated, err := s.repeatedRows(ctx, perhaps)
		if err != nil {
			return 0, err
		}
		s.indexes, perhaps = without(s.indexes, repeated), without(perhaps, repeated)
	}
	s.parts = partsOf(s.rows, perhaps, idTime)
	inserted, err := s.insertOthers(ctx, rows)
	s.notice(len(rows.indexes), inserted, err)
	return inserted, err
}

// insertOthers inserts the rows at s.indexes, except rows that a search for s.parts finds.
func (s *Sink) insertOthers(ctx context.Context, rows laidOut) (int, error) {
	if len(s.indexes) == 0 {
		return 0, nil
	}
	start := time.Now()
	done, err := s.file.conn.ExecContext(ctx, s.insertStatement(rows))
	if s.file.known == nil {
		s.file.searching += s.searchTime(time.Since(start))
	}
	if err != nil {
		return 0, fmt.Errorf("insert %d rows: %w", len(s.indexes), err)
	}
	inserted, err := done.RowsAffected()
	if err != nil {
		return 0, fmt.Errorf("count inserted rows: %w", err)
	}
	if s.file.rows > 0 {
		s.file.rows += int(inserted)
	}
	return int(inserted), nil
}

// searchTime returns the part of an insert's time that the search takes. An insert with late
// ids is nearly all search.
func (s *Sink) searchTime(whole time.Duration) time.Duration {
	if s.parts.late() {
		return whole
	}
	return time.Duration(len(s.parts[0])) * newIDSearch
}

// registerBatch registers the table function cioevents_batch, which returns the rows
// of the present insert, and cioevents_part0 and so on for the parts of the insert. Each use
// in a statement reads the rows from the beginning.
func (s *Sink) registerBatch(conn *sql.Conn) error {
	err := register(conn, "cioevents_batch", func() *batch { return s.batchOf(s.indexes) })
	for i := range s.parts {
		err = errors.Join(err, register(conn, fmt.Sprintf("cioevents_part%d", i), func() *batch { return s.batchOf(s.parts[i]) }))
	}
	if err = errors.Join(err, s.registerLearner(conn)); err != nil {
		return fmt.Errorf("register functions: %w", err)
	}
	return nil
}

func (s *Sink) batchOf(indexes []int) *batch {
	return &batch{rows: s.rows, indexes: indexes, left: indexes, columns: s.columns}
}

func register(conn *sql.Conn, name string, rows func() *batch) error {
	return duck.RegisterTableUDF(conn, name, duck.ParallelChunkTableFunction{
		BindArguments: func(map[string]any, ...any) (duck.ParallelChunkTableSource, error) { return rows(), nil },
	})
}

// insertStatement returns the statement that inserts the rows at s.indexes with new keys.
// The statement materialises the known keys first, so that the join skips the parts of
// the table that the statistics on event_id rule out. To find a late id, DuckDB reads the
// ids of a row group; the other columns of the key are read for the found rows only.
func (s *Sink) insertStatement(rows laidOut) string {
	names := make([]string, len(rows.columns))
	values := make([]string, len(rows.columns))
	for i, c := range rows.columns {
		names[i] = quote(c.Name)
		values[i] = "s." + names[i]
		if text, ok := rows.shared[c.Name]; ok {
			values[i] = "'" + text + "'"
		} else if c.Type == warehouse.JSON {
			values[i] = duckdbsql.JSON(values[i])
		}
	}
	with, only := "", ""
	if found := s.parts.foundSQL(); found != "" {
		with = fmt.Sprintf(`WITH found AS MATERIALIZED (
%s
), known AS MATERIALIZED (
  SELECT e.workspace, f.event_id, e.metric FROM %s e JOIN found f ON e.rowid = f.place
)
`, found, eventsTable)
		only = "\nANTI JOIN known k ON k.event_id = s.event_id AND k.workspace = s.workspace AND k.metric IS NOT DISTINCT FROM s.metric"
	}
	return fmt.Sprintf("INSERT INTO %s (%s)\n%sSELECT %s FROM cioevents_batch() s%s",
		eventsTable, strings.Join(names, ", "), with, strings.Join(values, ", "), only)
}

func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }
