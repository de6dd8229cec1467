package bigquerytest

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"sync"

	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/bigquery/bigqueryfake"
)

// place is the column with the place of a row in the fake's table.
const place = "_place"

// copies are the fake's tables as files of DuckDB. A client asks three times about a
// statement: in a dry run, for the plan of the job, and for the rows. So a table is copied
// after each change of its rows, and not for each question.
type copies struct {
	mu   sync.Mutex // held until DuckDB has opened the files
	dir  string
	last map[string]fileCopy // by the names of tables
}

// A fileCopy is a table in a file of its own.
type fileCopy struct {
	path    string
	version int
}

// attach returns the statement that gives a session of DuckDB the table as "copy of
// NAME".NAME, with the column place. The caller holds the mutex until the statement has run:
// attach removes the file of an older version.
func (c *copies) attach(ctx context.Context, q bigqueryfake.Query, name string, columns []warehouse.Column) (string, error) {
	rows, version := q.Server.Snapshot(q.Project, q.Dataset, name)
	key := q.Project + "." + q.Dataset + "." + name
	last, known := c.last[key]
	if !known || last.version != version {
		path := filepath.ToSlash(filepath.Join(c.dir, fmt.Sprintf("%s.%d.duckdb", key, version)))
		if err := write(ctx, path, name, columns, rows); err != nil {
			return "", err
		}
		if known {
			_ = os.Remove(last.path) // sessions may still read it
		}
		last = fileCopy{path, version}
		c.last[key] = last
	}
	return fmt.Sprintf("ATTACH '%s' AS \"copy of %s\" (READ_ONLY);\n", last.path, name), nil
}

// write writes the rows to a new file of DuckDB.
func write(ctx context.Context, path, name string, columns []warehouse.Column, rows []map[string]any) (err error) {
	lines := path + ".jsonl"
	defer func() { _ = os.Remove(lines) }()
	if err := writeLines(lines, columns, rows); err != nil {
		return err
	}
	db, err := sql.Open("duckdb", path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	_, err = db.ExecContext(ctx, fmt.Sprintf("SET TimeZone = 'UTC'; CREATE TABLE %s AS SELECT * FROM read_json('%s', format = 'newline_delimited', columns = {%s, %q: 'BIGINT'})",
		name, lines, columnTypes(columns), place))
	return err
}

// writeLines writes the rows to a file with an object a line.
func writeLines(path string, columns []warehouse.Column, rows []map[string]any) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	enc := json.NewEncoder(f)
	for i, row := range rows {
		row = maps.Clone(row)
		row[place] = i
		for _, c := range columns {
			if text, ok := row[c.Name].(string); ok && c.Type == warehouse.JSON {
				row[c.Name] = json.RawMessage(text)
			}
		}
		if err := enc.Encode(row); err != nil {
			return errors.Join(err, f.Close())
		}
	}
	return f.Close()
}
