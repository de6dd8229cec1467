package parquet

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	pq "github.com/parquet-go/parquet-go"

	"github.com/cioevents/cioevents/internal/warehouse"
)

// Names and settings are small files beside the days. A new file replaces the old file, so
// a reader sees all names of a workspace as they were at one time.
//
//	DIR/customerio_names/schema.parquet               no rows, for the columns
//	DIR/customerio_names/workspace-WORKSPACE.parquet  the names of a workspace
//	DIR/customerio_settings/schema.parquet            no rows
//	DIR/customerio_settings/settings.parquet          one row, after SetTimezone
const (
	noteSchema      = "schema"
	workspacePrefix = "workspace-"
	settingsFile    = "settings"
)

// A nameRow is a row of customerio_names.
type nameRow struct {
	Workspace string    `parquet:"workspace"`
	Source    string    `parquet:"source"`
	SourceID  string    `parquet:"source_id"`
	ActionID  *int64    `parquet:"action_id,optional"`
	ContentID *int64    `parquet:"content_id,optional"`
	Name      string    `parquet:"name"`
	UpdatedAt time.Time `parquet:"updated_at,timestamp(microsecond)"`
}

func (r *nameRow) value() warehouse.Name {
	n := warehouse.Name{Source: r.Source, SourceID: r.SourceID, Name: r.Name}
	if r.ActionID != nil {
		n.ActionID = *r.ActionID
	}
	if r.ContentID != nil {
		n.ContentID = *r.ContentID
	}
	return n
}

// A settingsRow is the row of customerio_settings.
type settingsRow struct {
	Timezone string `parquet:"timezone"`
}

// openNotes writes the files without rows.
func (s *Sink) openNotes() error {
	return errors.Join(
		writeNote[nameRow](s.dir, warehouse.Names, noteSchema, nil),
		writeNote[settingsRow](s.dir, warehouse.Settings, noteSchema, nil),
		writeRollup(s.dir, noteSchema, nil))
}

// Names implements warehouse.Notes.
func (s *Sink) Names(ctx context.Context, workspace string) ([]warehouse.Name, error) {
	rows, err := s.readNames(ctx, workspace)
	names := make([]warehouse.Name, len(rows))
	for i := range rows {
		names[i] = rows[i].value()
	}
	return names, err
}

// PutNames implements warehouse.Notes. Of two calls for one workspace at the same moment,
// the new names of one call may be missing until the next call.
func (s *Sink) PutNames(ctx context.Context, workspace string, names []warehouse.Name) error {
	rows, err := s.readNames(ctx, workspace)
	if err != nil {
		return err
	}
	stored := make([]warehouse.Name, len(rows))
	place := make(map[warehouse.Name]int, len(rows))
	for i := range rows {
		stored[i] = rows[i].value()
		place[stored[i].Key()] = i
	}
	changed := warehouse.CompareNames(stored, names).Changed()
	if len(changed) == 0 {
		return nil
	}
	now := time.Now()
	for _, n := range changed {
		row := rowOf(workspace, n, now)
		if i, ok := place[n.Key()]; ok {
			rows[i] = row
		} else {
			rows = append(rows, row)
		}
	}
	return writeNote(s.dir, warehouse.Names, workspacePrefix+workspace, rows)
}

func rowOf(workspace string, n warehouse.Name, now time.Time) nameRow {
	row := nameRow{Workspace: workspace, Source: n.Source, SourceID: n.SourceID, Name: n.Name, UpdatedAt: now}
	if n.ActionID != 0 {
		row.ActionID = &n.ActionID
	}
	if n.ContentID != 0 {
		row.ContentID = &n.ContentID
	}
	return row
}

func (s *Sink) readNames(ctx context.Context, workspace string) ([]nameRow, error) {
	return readNote[nameRow](ctx, s.dir, warehouse.Names, workspacePrefix+workspace)
}

// Timezone implements warehouse.Notes.
func (s *Sink) Timezone(ctx context.Context) (string, error) {
	rows, err := readNote[settingsRow](ctx, s.dir, warehouse.Settings, settingsFile)
	if err != nil || len(rows) == 0 {
		return warehouse.DefaultTimezone, err
	}
	return rows[0].Timezone, nil
}

// SetTimezone implements warehouse.Notes.
func (s *Sink) SetTimezone(ctx context.Context, name string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return writeNote(s.dir, warehouse.Settings, settingsFile, []settingsRow{{name}})
}

func writeNote[T any](dir, table, name string, rows []T) error {
	folder := filepath.Join(dir, table)
	if err := makeFolder(folder); err != nil {
		return err
	}
	_, err := publish(folder, func(w io.Writer) error { return pq.Write(w, rows) }, func(string) string { return name + fileSuffix })
	return err
}

// readNote returns no rows for a missing file.
func readNote[T any](ctx context.Context, dir, table, name string) ([]T, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	rows, err := pq.ReadFile[T](filepath.Join(dir, table, name+fileSuffix))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, explain(fmt.Errorf("read %s of %s: %w", name, table, err))
	}
	return rows, nil
}

// notesSQL returns the statements that create the views of names, settings and the rollup.
// In a folder of an older release, which has no files for the views, nothing has a name and
// the time zone is the default.
func notesSQL(dir string) string {
	return fmt.Sprintf(`CREATE OR REPLACE VIEW {schema}.%s AS
%s;

CREATE OR REPLACE VIEW {schema}.%s AS
SELECT coalesce(max(timezone), '%s') AS timezone FROM (%s);

CREATE OR REPLACE VIEW {schema}.%s AS
%s;
`, warehouse.Names, noteSQL(dir, warehouse.Names, warehouse.NameColumns()),
		warehouse.Settings, warehouse.DefaultTimezone, noteSQL(dir, warehouse.Settings, warehouse.SettingColumns()),
		warehouse.Rollup, noteSQL(dir, warehouse.Rollup, warehouse.RollupColumns()))
}

// noteSQL selects the rows of a table's files, or no rows if there are no files.
func noteSQL(dir, table string, columns []warehouse.Column) string {
	if _, err := os.Stat(filepath.Join(dir, table, noteSchema+fileSuffix)); err != nil {
		return "SELECT " + nullsSQL(columns) + " WHERE false"
	}
	return "SELECT * FROM read_parquet(" + quote(filepath.Join(globEscape.Replace(dir), table, "*"+fileSuffix)) + ", union_by_name = true)"
}
