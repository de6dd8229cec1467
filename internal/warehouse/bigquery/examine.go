package bigquery

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	bq "cloud.google.com/go/bigquery"

	"github.com/cioevents/cioevents/internal/warehouse"
)

// examineWait bounds an examination, also with a black hole in place of Google.
const examineWait = 4 * time.Second

// Examine looks at the dataset for an operator: reachable, location, columns and views,
// rights to write and to read. Examine only reads.
func Examine(ctx context.Context, cfg Config) []warehouse.Sign {
	cfg.Timeout = examineWait
	ctx, cancel := context.WithTimeout(ctx, examineWait)
	defer cancel()
	s, err := New(cfg)
	if err != nil {
		return []warehouse.Sign{{Detail: err.Error(), Remedy: "correct WAREHOUSE_URL", Broken: true}}
	}
	defer s.Close()
	client, err := newTables(ctx, &s.cfg)
	if err != nil {
		return []warehouse.Sign{brokenSign(&s.cfg, err)}
	}
	defer client.Close()
	schema, err := s.examineSchema(ctx, client.Dataset(s.cfg.Dataset))
	if err != nil {
		return []warehouse.Sign{brokenSign(&s.cfg, err)}
	}
	return []warehouse.Sign{schema, s.examineWriting(ctx, client.Dataset(s.cfg.Dataset).Table(Raw)), examineQueries(ctx, client)}
}

// brokenSign makes a sign of an error, whose advice explain puts into the last parentheses.
func brokenSign(cfg *Config, err error) warehouse.Sign {
	detail, advice := explain(cfg, err).Error(), ""
	i := strings.LastIndex(detail, " (")
	if i > 0 && strings.HasSuffix(detail, ")") && !errors.Is(err, context.DeadlineExceeded) {
		detail, advice = detail[:i], detail[i+2:len(detail)-1]
	}
	return warehouse.Sign{Detail: detail, Remedy: cmp.Or(advice, "look at the network of this machine, and at https://status.cloud.google.com"), Broken: true}
}

// examineSchema compares the table and the views with those of this release.
func (s *Sink) examineSchema(ctx context.Context, d *bq.Dataset) (warehouse.Sign, error) {
	meta, err := d.Metadata(ctx)
	if err != nil {
		return warehouse.Sign{}, wrap("read dataset", err)
	}
	if s.cfg.Location != "" && !strings.EqualFold(s.cfg.Location, meta.Location) {
		return warehouse.Sign{Detail: fmt.Sprintf("the dataset is in %s, and location=%s asks for another place", meta.Location, s.cfg.Location), Remedy: "correct the location in WAREHOUSE_URL, or write to a new dataset: a dataset cannot move", Broken: true}, nil
	}
	table, err := d.Table(Raw).Metadata(ctx)
	if err != nil {
		return warehouse.Sign{}, wrap("read table "+Raw, err)
	}
	missing := missingColumns(table.Schema, s.columns)
	for _, v := range views(s.cfg.Project, s.cfg.Dataset) {
		current, err := isCurrent(ctx, d.Table(v.name), v.query)
		if err != nil {
			return warehouse.Sign{}, wrap("read view "+v.name, err)
		}
		if !current {
			missing = append(missing, "view "+v.name)
		}
	}
	return warehouse.SchemaSign(missing, "%s in %s, %d columns", d.DatasetID, meta.Location, len(s.columns)), nil
}

func missingColumns(schema bq.Schema, columns []warehouse.Column) (missing []string) {
	for _, want := range schemaOf(columns) {
		if !slices.ContainsFunc(schema, func(f *bq.FieldSchema) bool { return f.Name == want.Name && f.Type == want.Type }) {
			missing = append(missing, "column "+want.Name)
		}
	}
	return missing
}

// isCurrent reports whether the view is the view of this release or of a later one.
func isCurrent(ctx context.Context, t *bq.Table, query string) (bool, error) {
	meta, err := t.Metadata(ctx)
	if isStatus(err, http.StatusNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	version, _ := strconv.Atoi(meta.Labels[viewsLabel]) // see ensureView
	return version > viewsVersion || meta.ViewQuery == query, nil
}

// permissions of a worker on the table. Source of the names:
// https://cloud.google.com/bigquery/docs/access-control#bq-permissions
var permissions = []string{"bigquery.tables.get", "bigquery.tables.getData", "bigquery.tables.updateData", "bigquery.tables.update"}

// examineWriting connects to the Write API and asks for the permissions, because an append
// would store a row.
func (s *Sink) examineWriting(ctx context.Context, t *bq.Table) warehouse.Sign {
	s.cfg.Connections = 1
	if err := s.connect(ctx); err != nil {
		return brokenSign(&s.cfg, err)
	}
	granted, err := t.IAM().TestPermissions(ctx, permissions)
	if err != nil {
		return brokenSign(&s.cfg, wrap("ask for the permissions", err))
	}
	var denied []string
	for _, p := range permissions {
		if !slices.Contains(granted, p) {
			denied = append(denied, p)
		}
	}
	if len(denied) > 0 {
		return warehouse.Sign{Detail: "the account here lacks " + strings.Join(denied, ", ") + " on the table " + Raw, Remedy: roleAdvice, Broken: true}
	}
	return warehouse.Well("the Write API answers, and the account here may append and read")
}

// examineQueries tries a dry run, which is free. A worker runs no queries, so a missing
// permission is no fault of the worker's account.
func examineQueries(ctx context.Context, client *bq.Client) warehouse.Sign {
	q := client.Query("SELECT 1")
	q.DryRun = true
	_, err := q.Run(ctx)
	switch {
	case isStatus(err, http.StatusForbidden):
		return warehouse.Sign{Detail: "the account here may not run queries: " + err.Error(), Remedy: "a worker needs no queries; give a reader's account the role roles/bigquery.jobUser on the project"}
	case err != nil:
		return warehouse.Sign{Detail: "queries not tried: " + err.Error(), Remedy: "try a query in BigQuery's console"}
	}
	return warehouse.Well("the account here may run queries")
}
