package bigquery

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	bq "cloud.google.com/go/bigquery"
	"google.golang.org/api/googleapi"

	"github.com/cioevents/cioevents/internal/warehouse"
)

// migrate makes the dataset, the table and the views what this program knows,
// and returns the columns that it added to a table that was there. It adds and
// never takes away, so that an older program goes on beside a newer one. It does
// over REST what Statements says in SQL: a query would need the right to run
// jobs.
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
	for _, v := range views(cfg.Project, cfg.Dataset) {
		// A view that selects all columns shows new ones in its schema only when it
		// is written again.
		if err := ensureView(ctx, dataset.Table(v.name), v.query, len(added) > 0); err != nil {
			return nil, err
		}
	}
	return added, nil
}

func ensureDataset(ctx context.Context, d *bq.Dataset, location string) error {
	_, err := d.Metadata(ctx)
	if !isStatus(err, http.StatusNotFound) {
		return wrap("read dataset", err)
	}
	err = d.Create(ctx, &bq.DatasetMetadata{Location: location, Description: datasetAbout})
	return wrap("create dataset", exists(err))
}

func ensureTable(ctx context.Context, t *bq.Table, columns []warehouse.Column) (map[string]bool, error) {
	_, err := t.Metadata(ctx)
	if isStatus(err, http.StatusNotFound) {
		err = exists(t.Create(ctx, &bq.TableMetadata{
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

// addColumns adds the columns that the table does not have. Those that it has
// beyond them are left alone: a newer program or its owner put them there.
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
			f.Required = false // the rows that are there have no value
			schema = append(schema, f)
			added[f.Name] = true
		case old.Type != f.Type:
			return nil, fmt.Errorf("column %s is %s and should be %s: rename it, or write to another dataset", f.Name, old.Type, f.Type)
		}
	}
	if len(added) == 0 {
		return added, nil
	}
	_, err = t.Update(ctx, bq.TableMetadataToUpdate{Schema: schema}, meta.ETag)
	return added, err
}

// viewsVersion is raised with every change of the views, and is a label of each:
// an older program that is restarted beside a newer one leaves the newer views
// alone.
const (
	viewsVersion = 2
	viewsLabel   = "cioevents_views"
)

// ensureView creates the view, or replaces its query when that differs or when
// it is told to, and it is not a newer program's.
func ensureView(ctx context.Context, t *bq.Table, query string, again bool) error {
	err := update(func() error {
		meta, err := t.Metadata(ctx)
		switch {
		case isStatus(err, http.StatusNotFound):
			return exists(t.Create(ctx, &bq.TableMetadata{ViewQuery: query, Labels: map[string]string{viewsLabel: strconv.Itoa(viewsVersion)}}))
		case err != nil:
			return err
		}
		version, _ := strconv.Atoi(meta.Labels[viewsLabel]) // 0 before there were labels, and of printed SQL
		if version > viewsVersion || version == viewsVersion && meta.ViewQuery == query && !again {
			return nil
		}
		change := bq.TableMetadataToUpdate{ViewQuery: query, UseLegacySQL: false}
		change.SetLabel(viewsLabel, strconv.Itoa(viewsVersion))
		_, err = t.Update(ctx, change, meta.ETag)
		return err
	})
	return wrap("create view "+t.TableID, err)
}

// update repeats a change that another process came before, after reading again
// what that made of it.
func update(change func() error) error {
	for range 5 {
		if err := change(); !isStatus(err, http.StatusPreconditionFailed) {
			return err
		}
	}
	return errors.New("others kept changing it at the same time")
}

// exists takes it for success that another process has just created the same.
func exists(err error) error {
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
