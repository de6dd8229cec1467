package bigquery

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	bq "cloud.google.com/go/bigquery"
	"google.golang.org/api/googleapi"

	"github.com/cioevents/cioevents/internal/warehouse"
)

// migrate creates or updates the dataset, the table and the views, and returns the
// columns that it has added to an existing table. It removes nothing, because an older
// program may still run beside a newer one. The REST calls do the same work as the SQL
// of Statements. SQL would need the permission to run jobs.
func migrate(ctx context.Context, cfg Config, columns []warehouse.Column) (added map[string]bool, err error) {
	client, err := newTables(ctx, &cfg)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	dataset := client.Dataset(cfg.Dataset)
	if err := ensureDataset(ctx, dataset, cfg.Location); err != nil {
		return nil, err
	}
	if added, err = ensureTable(ctx, dataset.Table(Raw), columns); err != nil {
		return nil, err
	}
	if err := ensureNotes(ctx, dataset); err != nil {
		return nil, err
	}
	for _, v := range views(cfg.Project, cfg.Dataset) {
		// The schema of a view over all columns shows a new column only after the view
		// is replaced.
		if err := ensureView(ctx, dataset.Table(v.name), v.query, len(added) > 0); err != nil {
			return nil, err
		}
	}
	return added, nil
}

// ensureDataset reads the location after the creation, too: another process may have
// created the dataset elsewhere.
func ensureDataset(ctx context.Context, d *bq.Dataset, location string) error {
	meta, err := d.Metadata(ctx)
	if isStatus(err, http.StatusNotFound) {
		err = d.Create(ctx, &bq.DatasetMetadata{Location: cmp.Or(location, DefaultLocation), Description: datasetAbout})
		if ignoreConflict(err) != nil {
			return wrap("create dataset", err)
		}
		meta, err = d.Metadata(ctx)
	}
	if err != nil {
		return wrap("read dataset", err)
	}
	if location != "" && !strings.EqualFold(location, meta.Location) {
		return fmt.Errorf("the dataset is in %s, and location=%s asks for another place: a dataset cannot move, so correct the location, or write to a new dataset", meta.Location, location)
	}
	return nil
}

func ensureTable(ctx context.Context, t *bq.Table, columns []warehouse.Column) (map[string]bool, error) {
	_, err := t.Metadata(ctx)
	if isStatus(err, http.StatusNotFound) {
		err = ignoreConflict(t.Create(ctx, &bq.TableMetadata{
			Description:      rawAbout,
			Schema:           schemaOf(columns),
			TimePartitioning: &bq.TimePartitioning{Type: bq.DayPartitioningType, Field: partitionColumn},
			Clustering:       &bq.Clustering{Fields: clusterColumns},
		}))
	}
	if err != nil {
		return nil, fmt.Errorf("create table %s: %w", t.TableID, err)
	}
	var added map[string]bool
	err = update(func() (err error) {
		added, err = addColumns(ctx, t, columns)
		return err
	})
	return added, wrap("add columns to table "+t.TableID, err)
}

// addColumns adds the missing columns to the table. Columns unknown to this program
// stay: a newer program or the owner of the table has added them.
func addColumns(ctx context.Context, t *bq.Table, columns []warehouse.Column) (map[string]bool, error) {
	meta, err := t.Metadata(ctx)
	if err != nil {
		return nil, err
	}
	present := map[string]*bq.FieldSchema{}
	for _, f := range meta.Schema {
		present[f.Name] = f
	}
	added := map[string]bool{}
	schema := meta.Schema
	for _, f := range schemaOf(columns) {
		switch old := present[f.Name]; {
		case old == nil:
			f.Required = false // existing rows have no value
			schema = append(schema, f)
			added[f.Name] = true
		case old.Type != f.Type:
			return nil, fmt.Errorf("column %s has type %s, want %s: rename the column, or write to another dataset", f.Name, old.Type, f.Type)
		}
	}
	if len(added) == 0 {
		return added, nil
	}
	_, err = t.Update(ctx, bq.TableMetadataToUpdate{Schema: schema}, meta.ETag)
	return added, err
}

// viewsVersion increases with every change of the views. Each view has the version as
// a label: an older program that restarts beside a newer one keeps the newer views.
const (
	viewsVersion = 8
	viewsLabel   = "cioevents_views"
)

// ensureView creates the view. An existing view of a newer program stays. Otherwise
// ensureView replaces a view whose version is older or whose query differs, and with
// rewrite any view.
func ensureView(ctx context.Context, t *bq.Table, query string, rewrite bool) error {
	err := update(func() error {
		meta, err := t.Metadata(ctx)
		switch {
		case isStatus(err, http.StatusNotFound):
			return ignoreConflict(t.Create(ctx, &bq.TableMetadata{ViewQuery: query, Labels: map[string]string{viewsLabel: strconv.Itoa(viewsVersion)}}))
		case err != nil:
			return err
		}
		version, _ := strconv.Atoi(meta.Labels[viewsLabel]) // 0 for a view without a label, such as one that an older Statements has created
		if version > viewsVersion || version == viewsVersion && meta.ViewQuery == query && !rewrite {
			return nil
		}
		change := bq.TableMetadataToUpdate{ViewQuery: query, UseLegacySQL: false}
		change.SetLabel(viewsLabel, strconv.Itoa(viewsVersion))
		_, err = t.Update(ctx, change, meta.ETag)
		return err
	})
	return wrap("create view "+t.TableID, err)
}

// update repeats a change while another process changes the same table or view first.
// Each call of change reads the current state again.
func update(change func() error) error {
	for range 5 {
		if err := change(); !isStatus(err, http.StatusPreconditionFailed) {
			return err
		}
	}
	return errors.New("other processes changed it 5 times at the same moment")
}

// ignoreConflict returns nil when another process has just created the same object.
func ignoreConflict(err error) error {
	if isStatus(err, http.StatusConflict) {
		return nil
	}
	return err
}

func isStatus(err error, code int) bool {
	web, ok := errors.AsType[*googleapi.Error](err)
	return ok && web.Code == code
}

func wrap(what string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", what, err)
}
