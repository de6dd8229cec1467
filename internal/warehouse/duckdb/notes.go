package duckdb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/cioevents/cioevents/internal/warehouse"
)

// Names and settings are tables in the schema of the events.
const (
	namesTable    = warehouse.DefaultSchema + "." + warehouse.Names
	settingsTable = warehouse.DefaultSchema + "." + warehouse.Settings
)

// noteStatements create the two tables, and the table of the rollup. A single statement creates the table of settings
// with its row: a crash leaves no empty table.
func noteStatements() []string {
	return []string{
		createTable(namesTable, warehouse.NameColumns()),
		createTable(rollupTable, warehouse.RollupColumns()),
		"CREATE TABLE IF NOT EXISTS " + settingsTable + " AS SELECT '" + warehouse.DefaultTimezone + "' AS timezone",
	}
}

func createTable(name string, columns []warehouse.Column) string {
	definitions := make([]string, len(columns))
	for i, c := range columns {
		definitions[i] = quote(c.Name) + " " + sqlTypes[c.Type]
		if c.Required {
			definitions[i] += " NOT NULL"
		}
	}
	return "CREATE TABLE IF NOT EXISTS " + name + " (" + strings.Join(definitions, ", ") + ")"
}

// Names implements warehouse.Notes.
func (s *Sink) Names(ctx context.Context, workspace string) (names []warehouse.Name, err error) {
	err = s.withFile(ctx, func() error {
		rows, err := s.file.conn.QueryContext(ctx, "SELECT source, source_id, coalesce(action_id, 0), coalesce(content_id, 0), name FROM "+
			namesTable+" WHERE workspace = ?", workspace)
		if err != nil {
			return fmt.Errorf("read names: %w", err)
		}
		defer rows.Close()
		for rows.Next() {
			var n warehouse.Name
			if err := rows.Scan(&n.Source, &n.SourceID, &n.ActionID, &n.ContentID, &n.Name); err != nil {
				return fmt.Errorf("read name: %w", err)
			}
			names = append(names, n)
		}
		return rows.Err()
	})
	return names, err
}

// mergeNames adds the names of a JSON list to the workspace, and replaces changed names.
const mergeNames = "MERGE INTO " + namesTable + ` t USING (
  SELECT unnest(from_json(?, '[{"Source": "VARCHAR", "SourceID": "VARCHAR", "ActionID": "BIGINT", "ContentID": "BIGINT", "Name": "VARCHAR"}]'), recursive := true)
) n
ON t.workspace = ? AND t.source = n.Source AND t.source_id = n.SourceID
  AND coalesce(t.action_id, 0) = n.ActionID AND coalesce(t.content_id, 0) = n.ContentID
WHEN MATCHED AND t.name <> n.Name THEN UPDATE SET name = n.Name, updated_at = now()
WHEN NOT MATCHED THEN INSERT (workspace, source, source_id, action_id, content_id, name, updated_at)
  VALUES (?, n.Source, n.SourceID, nullif(n.ActionID, 0), nullif(n.ContentID, 0), n.Name, now())`

// PutNames implements warehouse.Notes.
func (s *Sink) PutNames(ctx context.Context, workspace string, names []warehouse.Name) error {
	list, err := json.Marshal(names)
	if err != nil {
		return fmt.Errorf("encode names: %w", err)
	}
	return s.withFile(ctx, func() error {
		if _, err := s.file.conn.ExecContext(ctx, mergeNames, string(list), workspace, workspace); err != nil {
			return fmt.Errorf("store names: %w", err)
		}
		return nil
	})
}

// Timezone implements warehouse.Notes.
func (s *Sink) Timezone(ctx context.Context) (name string, err error) {
	err = s.withFile(ctx, func() error {
		return s.file.conn.QueryRowContext(ctx, "SELECT timezone FROM "+settingsTable).Scan(&name)
	})
	return name, err
}

// SetTimezone implements warehouse.Notes.
func (s *Sink) SetTimezone(ctx context.Context, name string) error {
	return s.withFile(ctx, func() error {
		if _, err := s.file.conn.ExecContext(ctx, "UPDATE "+settingsTable+" SET timezone = ?", name); err != nil {
			return fmt.Errorf("set time zone: %w", err)
		}
		return nil
	})
}

// withFile calls use while the sink has the file. After an error the sink closes the file,
// because a broken connection must not serve the next batch.
func (s *Sink) withFile(ctx context.Context, use func() error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.acquire(ctx); err != nil {
		return err
	}
	defer s.release()
	if err := use(); err != nil {
		return errors.Join(err, s.closeFile())
	}
	return nil
}
