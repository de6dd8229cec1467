package bigquery

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	bq "cloud.google.com/go/bigquery"
	"google.golang.org/api/iterator"

	"github.com/cioevents/cioevents/internal/warehouse"
)

// NamesRaw is the name of the table that PutNames appends to. The table keeps former
// names: query the view warehouse.Names instead.
const NamesRaw = warehouse.Names + "_raw"

// latestName selects one row of each name.
const latestName = "ROW_NUMBER() OVER (PARTITION BY workspace, source, source_id, action_id, content_id ORDER BY updated_at DESC, name) = 1"

const namesAbout = "All names that were ever stored. A message may have several: query the view " + warehouse.Names

// settingsQuery is the query of the view of settings. A view without a table has one row at
// any time. A table would have no row at first, and a change of the row would need the
// permission to run jobs.
func settingsQuery(timezone string) string { return "SELECT '" + timezone + "' AS timezone" }

var settingsForm = regexp.MustCompile(`^SELECT '([^']+)' AS timezone$`)

// ensureNotes creates the tables of names and of the rollup, and the view of settings. They
// keep what they have. The view of names is one of views.
func ensureNotes(ctx context.Context, d *bq.Dataset) error {
	err := d.Table(NamesRaw).Create(ctx, &bq.TableMetadata{Description: namesAbout, Schema: schemaOf(warehouse.NameColumns())})
	if ignoreConflict(err) != nil {
		return wrap("create table "+NamesRaw, err)
	}
	err = d.Table(warehouse.Rollup).Create(ctx, &bq.TableMetadata{
		Description: rollupAbout, Schema: schemaOf(warehouse.RollupColumns()),
		TimePartitioning: &bq.TimePartitioning{Type: bq.DayPartitioningType, Field: "day"},
	})
	if ignoreConflict(err) != nil {
		return wrap("create table "+warehouse.Rollup, err)
	}
	err = d.Table(warehouse.Settings).Create(ctx, &bq.TableMetadata{ViewQuery: settingsQuery(warehouse.DefaultTimezone)})
	return wrap("create view "+warehouse.Settings, ignoreConflict(err))
}

// noteStatements returns the GoogleSQL of ensureNotes.
func noteStatements(project, dataset string) []string {
	return []string{
		fmt.Sprintf("CREATE TABLE IF NOT EXISTS %s (\n%s\n)\nOPTIONS (description = %q)",
			quote(project, dataset, NamesRaw), definitions(warehouse.NameColumns()), namesAbout),
		fmt.Sprintf("CREATE TABLE IF NOT EXISTS %s (\n%s\n)\nPARTITION BY `day`\nOPTIONS (description = %q)",
			quote(project, dataset, warehouse.Rollup), definitions(warehouse.RollupColumns()), rollupAbout),
		fmt.Sprintf("CREATE VIEW IF NOT EXISTS %s AS\n%s", quote(project, dataset, warehouse.Settings), settingsQuery(warehouse.DefaultTimezone)),
	}
}

func definitions(columns []warehouse.Column) string {
	list := make([]string, len(columns))
	for i, c := range columns {
		definition := quote(c.Name) + " " + sqlTypes[c.Type]
		if c.Required {
			definition += " NOT NULL"
		}
		list[i] = fmt.Sprintf("  %s OPTIONS (description = %q)", definition, c.About)
	}
	return strings.Join(list, ",\n")
}

// A nameRow is a row of the table of names.
type nameRow struct {
	Workspace string       `bigquery:"workspace"`
	Source    string       `bigquery:"source"`
	SourceID  string       `bigquery:"source_id"`
	ActionID  bq.NullInt64 `bigquery:"action_id"`
	ContentID bq.NullInt64 `bigquery:"content_id"`
	Name      string       `bigquery:"name"`
	UpdatedAt time.Time    `bigquery:"updated_at"`
}

func rowOf(workspace string, n warehouse.Name, now time.Time) nameRow {
	return nameRow{
		Workspace: workspace, Source: n.Source, SourceID: n.SourceID, Name: n.Name, UpdatedAt: now,
		ActionID:  bq.NullInt64{Int64: n.ActionID, Valid: n.ActionID != 0},
		ContentID: bq.NullInt64{Int64: n.ContentID, Valid: n.ContentID != 0},
	}
}

func (r *nameRow) value() warehouse.Name {
	return warehouse.Name{Source: r.Source, SourceID: r.SourceID, ActionID: r.ActionID.Int64, ContentID: r.ContentID.Int64, Name: r.Name}
}

// Names implements warehouse.Notes. Names lists the rows of the table, because a query
// would need the permission to run jobs.
func (s *Sink) Names(ctx context.Context, workspace string) (names []warehouse.Name, err error) {
	err = s.withDataset(ctx, func(ctx context.Context, d *bq.Dataset) (err error) {
		names, err = readNames(ctx, d.Table(NamesRaw), workspace)
		return err
	})
	return names, err
}

// readNames returns the latest names, as the view does.
func readNames(ctx context.Context, t *bq.Table, workspace string) ([]warehouse.Name, error) {
	latest := map[warehouse.Name]nameRow{}
	for rows := t.Read(ctx); ; {
		var r nameRow
		err := rows.Next(&r)
		if errors.Is(err, iterator.Done) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("read names: %w", err)
		}
		key := r.value().Key()
		old, ok := latest[key]
		if r.Workspace == workspace && (!ok || r.UpdatedAt.After(old.UpdatedAt) || r.UpdatedAt.Equal(old.UpdatedAt) && r.Name < old.Name) {
			latest[key] = r
		}
	}
	names := make([]warehouse.Name, 0, len(latest))
	for _, r := range latest {
		names = append(names, r.value())
	}
	return names, nil
}

// namesRequest is the number of rows of a request. Google recommends 500
// (https://cloud.google.com/bigquery/quotas#streaming_inserts).
const namesRequest = 500

// PutNames implements warehouse.Notes. PutNames appends the changed names only. BigQuery
// may lose rows within minutes of the table's creation, and the next PutNames appends them
// again.
func (s *Sink) PutNames(ctx context.Context, workspace string, names []warehouse.Name) error {
	return s.withDataset(ctx, func(ctx context.Context, d *bq.Dataset) error {
		stored, err := readNames(ctx, d.Table(NamesRaw), workspace)
		if err != nil {
			return err
		}
		now := time.Now()
		for part := range slices.Chunk(warehouse.CompareNames(stored, names).Changed(), namesRequest) {
			rows := make([]nameRow, len(part))
			for i, n := range part {
				rows[i] = rowOf(workspace, n, now)
			}
			if err := d.Table(NamesRaw).Inserter().Put(ctx, rows); err != nil {
				return fmt.Errorf("store names: %w", err)
			}
		}
		return nil
	})
}

// Timezone implements warehouse.Notes.
func (s *Sink) Timezone(ctx context.Context) (name string, err error) {
	err = s.withDataset(ctx, func(ctx context.Context, d *bq.Dataset) error {
		meta, err := d.Table(warehouse.Settings).Metadata(ctx)
		if err != nil {
			return fmt.Errorf("read time zone: %w", err)
		}
		found := settingsForm.FindStringSubmatch(meta.ViewQuery)
		if found == nil {
			return fmt.Errorf("read time zone: the view %s has another query than %q", warehouse.Settings, settingsQuery(warehouse.DefaultTimezone))
		}
		name = found[1]
		return nil
	})
	return name, err
}

// SetTimezone implements warehouse.Notes.
func (s *Sink) SetTimezone(ctx context.Context, name string) error {
	return s.withDataset(ctx, func(ctx context.Context, d *bq.Dataset) error {
		_, err := d.Table(warehouse.Settings).Update(ctx, bq.TableMetadataToUpdate{ViewQuery: settingsQuery(name), UseLegacySQL: false}, "")
		return wrap("set time zone", err)
	})
}

// withDataset calls use with a client of its own, so that a slow call does not hold up a
// Write.
func (s *Sink) withDataset(ctx context.Context, use func(context.Context, *bq.Dataset) error) error {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	client, err := newTables(ctx, &s.cfg)
	if err != nil {
		return explain(&s.cfg, err)
	}
	defer client.Close()
	if err := use(ctx, client.Dataset(s.cfg.Dataset)); err != nil {
		return explain(&s.cfg, err)
	}
	return nil
}
