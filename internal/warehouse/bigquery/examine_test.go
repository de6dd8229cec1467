package bigquery_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"time"

	bq "cloud.google.com/go/bigquery"

	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/bigquery"
	"github.com/cioevents/cioevents/internal/warehouse/bigquery/bigqueryfake"
)

// text shows signs in lines.
func text(signs []warehouse.Sign) string {
	var lines []string
	for _, s := range signs {
		state := "ok"
		switch {
		case s.Broken:
			state = "broken"
		case s.Remedy != "":
			state = "warn"
		}
		lines = append(lines, fmt.Sprintf("%s: %s → %s", state, s.Detail, s.Remedy))
	}
	return strings.Join(lines, "\n")
}

func TestExamine(t *testing.T) {
	t.Parallel()
	const role = "→ the worker's account needs the role roles/bigquery.dataEditor on the dataset"
	for name, c := range map[string]struct {
		change func(t *testing.T, p place, cfg *bigquery.Config)
		want   []string
	}{
		"healthy": {nil, []string{"ok: messaging in US, ", "ok: the Write API answers, and the account here may append and read → "}},
		"no role": {func(_ *testing.T, p place, _ *bigquery.Config) { p.Deny(bigqueryfake.NoRole) }, []string{"broken: BigQuery proj.messaging: read dataset: ", role}},
		"reader's role": {func(_ *testing.T, p place, _ *bigquery.Config) { p.Deny(bigqueryfake.NoWriting) }, []string{
			"ok: messaging in US", "broken: BigQuery proj.messaging: connect to the Write API: ", role,
		}},
		"custom role": {func(_ *testing.T, p place, _ *bigquery.Config) { p.Deny(bigqueryfake.NoUpdating) }, []string{
			"ok: messaging in US", "broken: the account here lacks bigquery.tables.update on the table customerio_events_raw " + role,
		}},
		"API disabled": {func(_ *testing.T, p place, _ *bigquery.Config) { p.Deny(bigqueryfake.APIDisabled) }, []string{"→ the project has not enabled the API: gcloud services enable"}},
		"no dataset":   {func(_ *testing.T, _ place, cfg *bigquery.Config) { cfg.Dataset = "other" }, []string{`"cioctl warehouse migrate" creates dataset and table`}},
		"other location": {func(_ *testing.T, _ place, cfg *bigquery.Config) { cfg.Location = "EU" }, []string{
			"broken: the dataset is in US, and location=EU asks for another place → correct the location in WAREHOUSE_URL",
		}},
		"older release": {func(t *testing.T, p place, _ *bigquery.Config) {
			t.Helper()
			d := p.rest(t).Dataset(dataset)
			if err := d.Table(warehouse.Deliveries).Delete(t.Context()); err != nil {
				t.Fatal(err)
			}
			if _, err := d.Table(warehouse.Bounces).Update(t.Context(), bq.TableMetadataToUpdate{ViewQuery: "SELECT 1"}, ""); err != nil {
				t.Fatal(err)
			}
		}, []string{"warn: missing, or of another release: view customerio_deliveries, view customerio_bounces → start a worker of this release, or run cioctl warehouse migrate"}},
		"unreachable": {func(_ *testing.T, p place, _ *bigquery.Config) { p.Stop() }, []string{"broken: BigQuery proj.messaging: read dataset: ", "→ look at the network"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := start(t, bigqueryfake.Config{})
			open(t, p.config())
			cfg := p.config()
			if c.change != nil {
				c.change(t, p, &cfg)
			}
			began := time.Now()
			got := text(bigquery.Examine(t.Context(), cfg))
			for _, want := range c.want {
				if !strings.Contains(got, want) {
					t.Errorf("no %q in\n%s", want, got)
				}
			}
			if took := time.Since(began); took > 7*time.Second {
				t.Errorf("took %v", took)
			}
			if n := len(p.raw()); n != 0 {
				t.Errorf("the table has %d rows", n)
			}
		})
	}
}

// A table that lacks columns of this release, as before the worker's first start.
func TestExamineColumns(t *testing.T) {
	t.Parallel()
	p := start(t, bigqueryfake.Config{})
	d := p.rest(t).Dataset(dataset)
	if err := d.Create(t.Context(), &bq.DatasetMetadata{}); err != nil {
		t.Fatal(err)
	}
	schema := bq.Schema{{Name: "event_id", Type: bq.StringFieldType, Required: true}}
	if err := d.Table(bigquery.Raw).Create(t.Context(), &bq.TableMetadata{Schema: schema}); err != nil {
		t.Fatal(err)
	}
	got := text(bigquery.Examine(t.Context(), p.config()))
	if !strings.Contains(got, "warn: missing, or of another release: column metric, ") || !strings.Contains(got, " more → start a worker") {
		t.Error(got)
	}
}

// An account without bigquery.jobs.create can be a worker's, and no reader's. The answers
// about jobs are those of https://github.com/mozilla/bigquery-etl/issues/7581 and
// https://cloud.google.com/bigquery/docs/reference/rest/v2/jobs/insert.
func TestExamineQueries(t *testing.T) {
	t.Parallel()
	p := start(t, bigqueryfake.Config{})
	open(t, p.config())
	target, err := url.Parse(strings.TrimSuffix(p.RESTEndpoint(), "/bigquery/v2/"))
	if err != nil {
		t.Fatal(err)
	}
	for answer, want := range map[string]string{
		`{"error":{"code":403,"message":"Access Denied: Project proj: User does not have bigquery.jobs.create permission in project proj.","errors":[{"reason":"accessDenied","message":"Access Denied: Project proj: User does not have bigquery.jobs.create permission in project proj."}]}}`: "warn: the account here may not run queries: googleapi: Error 403: Access Denied: Project proj: User does not have bigquery.jobs.create permission in project proj., accessDenied → " +
			"a worker needs no queries; give a reader's account the role roles/bigquery.jobUser on the project",
		`{"kind":"bigquery#job","jobReference":{"projectId":"proj","location":"US"},"configuration":{"dryRun":true,"query":{"query":"SELECT 1"}},"status":{"state":"DONE"},"statistics":{"query":{"statementType":"SELECT"}}}`: "ok: the account here may run queries → ",
	} {
		mux := http.NewServeMux()
		mux.Handle("/", httputil.NewSingleHostReverseProxy(target))
		mux.HandleFunc("POST /bigquery/v2/projects/proj/jobs", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			if strings.HasPrefix(answer, `{"error"`) {
				w.WriteHeader(http.StatusForbidden)
			}
			io.WriteString(w, answer)
		})
		front := httptest.NewServer(mux)
		t.Cleanup(front.Close)
		cfg := p.config()
		cfg.RESTEndpoint = front.URL
		if got := text(bigquery.Examine(t.Context(), cfg)); !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
}
