package duckdb

import (
	"context"
	"errors"
	"fmt"
	"strings"

	duck "github.com/duckdb/duckdb-go/v2"

	"github.com/cioevents/cioevents/internal/warehouse"
)

// fresh is the name of the new file's database in a session.
const fresh = "cioevents_fresh"

// keepOrder disables two optimisers. Without them a join keeps its first table in order,
// except within the 2,048 rows of a vector.
const keepOrder = "SET disabled_optimizers = 'join_order,build_side_probe_side'"

// copyInto copies the whole database into the new file, and the events with their changes.
// The views, the comments, the names and settings, the id of the store, and all that the
// file's owner has added come along.
//
// COPY FROM DATABASE alone would copy the old rows, and an UPDATE before it takes half of
// the copy's time once more, and room for a third copy of the file.
func (s *Sink) copyInto(ctx context.Context, r revision, v versions) (changed int64, err error) {
	name := s.file.name
	if err := s.file.exec(ctx, attach(v.fresh, fresh)); err != nil {
		return 0, err
	}
	if err := s.file.exec(ctx, "COPY FROM DATABASE "+quote(name)+" TO "+fresh+" (SCHEMA)"); err != nil {
		return 0, cannotCopy("the schema", err)
	}
	tables, err := s.file.tables(ctx, name)
	if err != nil {
		return 0, err
	}
	for _, t := range tables {
		if t == eventsName {
			changed, err = s.copyEvents(ctx, r)
		} else if err = s.file.exec(ctx, "INSERT INTO "+fresh+"."+t+" FROM "+quote(name)+"."+t); err != nil {
			err = cannotCopy("table "+t, err)
		}
		if err != nil {
			return 0, err
		}
	}
	step("copying")
	err = s.file.exec(ctx, "CHECKPOINT "+fresh, "DETACH "+fresh)
	step("copied")
	return changed, err
}

// eventsName is the name of the table of events in the list of tables.
var eventsName = quote(warehouse.DefaultSchema) + "." + quote(warehouse.Events)

// cannotCopy returns the obstacle for an error of DuckDB about a part of the database. The
// obstacle has the class of the error only: DuckDB's text may quote values.
func cannotCopy(part string, err error) error {
	if outOfMemory(err) {
		return err
	}
	class, _, _ := strings.Cut(err.Error(), "\n")
	if e, ok := errors.AsType[*duck.Error](err); ok {
		class, _, _ = strings.Cut(e.Msg, ":")
	}
	return &obstacle{fmt.Sprintf("DuckDB cannot copy %s (%s). Move what you have added to the file into a file of your own, such as a table with DEFAULT nextval('…')", part, class)}
}

// tables returns the quoted names of the tables in the order of their creation: the tables
// of a foreign key's parent rows come first.
func (f *file) tables(ctx context.Context, database string) (names []string, err error) {
	found, err := f.conn.QueryContext(ctx, "SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = ? AND NOT temporary ORDER BY table_oid", database)
	if err != nil {
		return nil, fmt.Errorf("list tables: %w", err)
	}
	defer found.Close()
	for found.Next() {
		var schema, table string
		if err := found.Scan(&schema, &table); err != nil {
			return nil, fmt.Errorf("list tables: %w", err)
		}
		names = append(names, quote(schema)+"."+quote(table))
	}
	return names, found.Err()
}

// copyEvents copies the events with their changes, in their order: an insert then skips the
// parts of the table by the times of ids.
func (s *Sink) copyEvents(ctx context.Context, r revision) (int64, error) {
	source, target := eventsTable, fresh+"."+eventsTable
	changed, err := s.copySteps(ctx, r, source, target)
	if err != nil {
		return changed, err
	}
	want := changed
	if !r.remove {
		want = 0
	}
	var before, after int64
	err = s.file.conn.QueryRowContext(ctx, "SELECT (SELECT count(*) FROM "+source+"), (SELECT count(*) FROM "+target+")").Scan(&before, &after)
	if err == nil && before-after != want {
		err = fmt.Errorf("the copy has %d of %d rows, want %d less", after, before, want)
	}
	return changed, err
}

// copySteps copies the steps of a revision in lanes.
func (s *Sink) copySteps(ctx context.Context, r revision, source, target string) (changed int64, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	lanes, err := s.openLanes(ctx)
	defer func() {
		if err != nil {
			cancel()
			_ = closeLanes(lanes) // err has the first error
			return
		}
		err = closeLanes(lanes)
	}()
	if err != nil {
		return 0, err
	}
	var before *copyStep
	n := 0
	return s.eachChange(ctx, r, func(from, to int64) error {
		i := n % copyLanes
		n++
		l := lanes[i]
		if err := l.last.wait(); err != nil {
			return err
		}
		l.rows = s.rows
		insert := fmt.Sprintf("INSERT INTO %s SELECT e.* FROM %s e WHERE e.rowid >= %d AND e.rowid < %d", target, source, from, to)
		if len(s.rows) > 0 {
			insert = "INSERT INTO " + target + " " + s.changedRows(r, source, batchName(i), from, to)
		}
		l.start(ctx, insert, before)
		before = l.last
		return nil
	})
}

// changedRows returns the SELECT of the rows of a range with the changes in a batch.
func (s *Sink) changedRows(r revision, source, batch string, from, to int64) string {
	columns := s.revised()
	list := make([]string, len(columns))
	for i, c := range columns {
		name := quote(c.Name)
		list[i] = fmt.Sprintf("CASE WHEN b.stream_sequence IS NULL THEN e.%[1]s ELSE %[2]s END AS %[1]s", name, newValue(&c))
	}
	changed := " REPLACE (" + strings.Join(list, ", ") + ")"
	only := ""
	if r.remove {
		changed, only = "", " AND b.stream_sequence IS NULL"
	}
	return fmt.Sprintf("SELECT e.*%s FROM %s e LEFT JOIN %s() b ON e.rowid = b.stream_sequence - 1 WHERE e.rowid >= %d AND e.rowid < %d%s",
		changed, source, batch, from, to, only)
}
