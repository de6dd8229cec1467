package bigquery_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	bq "cloud.google.com/go/bigquery"
	rest "google.golang.org/api/bigquery/v2"
	"google.golang.org/api/option"

	"github.com/cioevents/cioevents/internal/privacy"
	"github.com/cioevents/cioevents/internal/privacy/privacytest"
	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/bigquery"
	"github.com/cioevents/cioevents/internal/warehouse/bigquery/bigqueryfake"
	"github.com/cioevents/cioevents/internal/warehouse/bigquery/bigquerytest"
	"github.com/cioevents/cioevents/internal/warehouse/warehousetest"
	"github.com/cioevents/cioevents/pkg/webhook"
)

// people is a dataset, as the suite knows a store.
type people struct{ place }

func startPeople(t *testing.T, cfg bigqueryfake.Config) people {
	t.Helper()
	return people{place{bigquerytest.Start(t, cfg)}}
}

func (p people) people() *bigquery.People { return &bigquery.People{Config: p.config()} }

func (p people) Store(*testing.T) privacy.Store { return p.people() }

// Add writes each event twice, as after a lost answer.
func (p people) Add(t *testing.T, events []privacytest.Event) {
	t.Helper()
	rows := make([]warehouse.Row, len(events))
	for i, e := range events {
		if err := rows[i].Parse(e.Body, warehouse.Origin{EventID: e.ID, Workspace: e.Workspace, ReceivedAt: e.At}); err != nil {
			t.Fatal(err)
		}
	}
	warehousetest.Fill(t, p.Sink(t), rows, rows)
}

// Read returns what the table says, also rows that readers do not see.
func (p people) Read(t *testing.T) map[privacytest.Key]string {
	t.Helper()
	texts := map[privacytest.Key]string{}
	for _, row := range p.Rows(project, dataset, bigquery.Raw) {
		metric, _ := row["metric"].(string)
		key := privacytest.Key{Workspace: row["workspace"].(string), ID: row["event_id"].(string), Metric: webhook.Metric(metric)}
		texts[key] += fmt.Sprintln(row)
	}
	return texts
}

func TestPeople(t *testing.T) {
	t.Parallel()
	privacytest.Run(t, privacytest.Features{}, func(t *testing.T) privacytest.Place {
		t.Helper()
		return startPeople(t, bigqueryfake.Config{})
	})
}

var ann = privacy.Person{Workspace: "w", Identifiers: []privacy.Identifier{{Kind: privacy.ID, Value: "ann-4711"}, {Kind: privacy.Email, Value: "ann.ecila@example.com"}}}

// annsRows returns events of two days and one without a time: those of Ann, and one of an
// address of hers that names another person by a phone number.
func annsRows(t *testing.T) []warehouse.Row {
	t.Helper()
	day := time.Now().UTC().Truncate(24*time.Hour).AddDate(0, -2, 0)
	var rows []warehouse.Row
	for i, data := range []string{
		`"identifiers":{"id":"ann-4711","email":"ann.ecila@example.com"},"recipient":"Ann.Ecila@example.com"`,
		`"identifiers":{"id":"ann-4711"},"recipient":"Ann.Ecila@example.com"`,
		`"recipient":"Ann <Ann.Ecila@example.com>"`,
		`"identifiers":{"phone":"+15550100"},"recipient":"ann.ecila@example.com"`,
		`"identifiers":{"id":"bob"},"recipient":"ann.ecila@example.com"`,
	} {
		at := day.AddDate(0, 0, 7*(i%2)).Unix()
		if i == 1 {
			at = 0
		}
		body := fmt.Sprintf(`{"event_id":"e%d","object_type":"email","metric":"sent","timestamp":%d,"data":{%s}}`, i, at, data)
		var r warehouse.Row
		if err := r.Parse([]byte(body), warehouse.Origin{EventID: fmt.Sprintf("e%d", i), Workspace: "w", ReceivedAt: day}); err != nil {
			t.Fatal(err)
		}
		rows = append(rows, r)
	}
	return rows
}

// An erasure is one job of its own label that reads the days of the person only. No job has
// an identifier in its text.
func TestEraseJobs(t *testing.T) {
	t.Parallel()
	p := startPeople(t, bigqueryfake.Config{})
	warehousetest.Fill(t, p.Sink(t), annsRows(t))
	erased, err := p.people().Erase(t.Context(), []privacy.Person{ann}, privacy.EraseOptions{})
	if err != nil || erased.Events != 3 {
		t.Errorf("erased %+v, %v; want 3 events", erased, err)
	}
	if wait := time.Until(erased.CleanAt); wait < 14*24*time.Hour-time.Minute || wait > 14*24*time.Hour {
		t.Errorf("clean after %s; want 14 days", wait)
	}
	changes := 0
	for _, j := range p.Jobs() {
		text := j.Configuration.Query.Query
		for _, identifier := range []string{"ann-4711", "ann.ecila", "example.com"} {
			if strings.Contains(strings.ToLower(text), identifier) {
				t.Errorf("a job tells %s: %s", identifier, text)
			}
		}
		if j.Statistics.Query.StatementType != "UPDATE" {
			continue
		}
		changes++
		if j.Configuration.Labels["cioevents"] != "eraser" || j.Configuration.Query.MaximumBytesBilled == 0 || j.Statistics.Query.DmlStats.UpdatedRowCount != 3 {
			t.Errorf("the job has the labels %v, the limit %d and changed %+v", j.Configuration.Labels, j.Configuration.Query.MaximumBytesBilled, j.Statistics.Query.DmlStats)
		}
		if n := strings.Count(text, "`timestamp` >= TIMESTAMP"); n != 1 || !strings.Contains(text, "OR `timestamp` IS NULL") {
			t.Errorf("the statement has %d ranges of days: %s", n, text)
		}
	}
	if changes != 1 {
		t.Errorf("%d statements changed rows; want one", changes)
	}
	if e, err := p.people().Estimate(t.Context(), []privacy.Person{ann}); err != nil || e.Bytes == 0 {
		t.Errorf("estimate: %+v, %v", e, err)
	}
}

// The dataset's time travel decides when the old rows are gone.
func TestEraseTimeTravel(t *testing.T) {
	t.Parallel()
	p := startPeople(t, bigqueryfake.Config{})
	client, err := bq.NewClient(t.Context(), project, option.WithEndpoint(p.RESTEndpoint()), option.WithoutAuthentication())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if err := client.Dataset(dataset).Create(t.Context(), &bq.DatasetMetadata{MaxTimeTravel: 48 * time.Hour}); err != nil {
		t.Fatal(err)
	}
	warehousetest.Fill(t, p.Sink(t), annsRows(t))
	erased, err := p.people().Erase(t.Context(), []privacy.Person{ann}, privacy.EraseOptions{Rows: true})
	if wait := time.Until(erased.CleanAt); err != nil || wait < 9*24*time.Hour-time.Minute || wait > 9*24*time.Hour {
		t.Errorf("clean after %s, %v; want 9 days", wait, err)
	}
	if n := p.Len(project, dataset, bigquery.Raw); n != 2 {
		t.Errorf("%d rows are left; want 2", n)
	}
}

// BigQuery refuses to change rows of insertAll that are younger than 30 minutes.
func TestEraseInStreamingBuffer(t *testing.T) {
	t.Parallel()
	var later atomic.Int64
	p := startPeople(t, bigqueryfake.Config{Now: func() time.Time { return time.Now().Add(time.Duration(later.Load())) }})
	open(t, p.config())
	service, err := rest.NewService(t.Context(), option.WithEndpoint(p.RESTEndpoint()), option.WithoutAuthentication())
	if err != nil {
		t.Fatal(err)
	}
	row := map[string]rest.JsonValue{"event_id": "e", "workspace": "w", "metric": "sent", "customer_id": "ann-4711", "received_at": "2026-01-02T03:04:05Z", "payload": "{}"}
	request := &rest.TableDataInsertAllRequest{Rows: []*rest.TableDataInsertAllRequestRows{{Json: row}}}
	if answer, err := service.Tabledata.InsertAll(project, dataset, bigquery.Raw, request).Context(t.Context()).Do(); err != nil || len(answer.InsertErrors) > 0 {
		t.Fatalf("insertAll: %v, %v", answer, err)
	}
	_, err = p.people().Erase(t.Context(), []privacy.Person{ann}, privacy.EraseOptions{})
	if err == nil || !strings.Contains(err.Error(), "run the erasure again 30 minutes after") {
		t.Errorf("in the streaming buffer: %v", err)
	}
	later.Store(int64(31 * time.Minute))
	if erased, err := p.people().Erase(t.Context(), []privacy.Person{ann}, privacy.EraseOptions{}); err != nil || erased.Events != 1 {
		t.Errorf("31 minutes later: %+v, %v", erased, err)
	}
}

// An account without a right hears which role it lacks, and a limit of bytes is kept.
func TestEraseRefused(t *testing.T) {
	t.Parallel()
	p := startPeople(t, bigqueryfake.Config{})
	warehousetest.Fill(t, p.Sink(t), annsRows(t))
	for want, d := range map[string]*bigqueryfake.Denial{
		"roles/bigquery.jobUser":    bigqueryfake.NoJobs,
		"roles/bigquery.dataEditor": bigqueryfake.NoWriting,
	} {
		p.Deny(d)
		if _, err := p.people().Erase(t.Context(), []privacy.Person{ann}, privacy.EraseOptions{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v; want an error with %s", err, want)
		}
	}
	p.Deny(nil)
	cheap := p.people()
	cheap.Config.MaxBytesBilled = 1
	if _, err := cheap.Erase(t.Context(), []privacy.Person{ann}, privacy.EraseOptions{}); err == nil || !strings.Contains(err.Error(), "max_bytes_billed") {
		t.Errorf("over the limit: %v", err)
	}
	if n := strings.Count(fmt.Sprint(p.Rows(project, dataset, bigquery.Raw)), "ann-4711"); n == 0 {
		t.Error("a refused erasure has changed rows")
	}
}

// Two erasures at once change the same rows: BigQuery refuses one of them, which runs again.
func TestEraseTwiceAtOnce(t *testing.T) {
	t.Parallel()
	p := startPeople(t, bigqueryfake.Config{})
	warehousetest.Fill(t, p.Sink(t), annsRows(t))
	errs := make(chan error)
	for range 2 {
		go func() {
			_, err := p.people().Erase(t.Context(), []privacy.Person{ann}, privacy.EraseOptions{})
			errs <- err
		}()
	}
	for range 2 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	if found, err := p.people().Find(t.Context(), []privacy.Person{ann}); err != nil || found[0].Events != 0 {
		t.Errorf("afterwards: %+v, %v", found, err)
	}
}

// A rewriting changes rows by SQL.
func TestRewrite(t *testing.T) {
	t.Parallel()
	p := startPeople(t, bigqueryfake.Config{})
	warehousetest.Fill(t, p.Sink(t), annsRows(t))
	erased, err := bigquery.Rewrite(t.Context(), bigquery.Rewriting{Config: p.config(), Set: map[string]string{"recipient": "NULL"}, Where: "recipient IS NOT NULL"})
	if err != nil || erased.Events != 5 || erased.CleanAt.IsZero() {
		t.Errorf("rewritten %+v, %v", erased, err)
	}
	if i := slices.IndexFunc(p.Rows(project, dataset, bigquery.Raw), func(r map[string]any) bool { return r["recipient"] != nil }); i >= 0 {
		t.Errorf("row %d has a recipient", i)
	}
}

// A crossing is an engine whose first UPDATE ends after another UPDATE of the same row.
type crossing struct {
	calls atomic.Int64
	other func()
}

func (*crossing) Plan(context.Context, bigqueryfake.Query) (bigqueryfake.Plan, error) {
	return bigqueryfake.Plan{StatementType: "UPDATE", Reads: map[string][]string{bigquery.Raw: {"recipient"}}}, nil
}

func (*crossing) Run(context.Context, bigqueryfake.Query) (*bigqueryfake.Result, error) {
	return &bigqueryfake.Result{}, nil
}

func (c *crossing) Change(_ context.Context, q bigqueryfake.Query) (string, map[int]map[string]any, error) {
	if c.calls.Add(1) == 1 {
		c.other()
	}
	row := q.Server.Rows(project, dataset, bigquery.Raw)[0]
	row["recipient"] = nil
	return bigquery.Raw, map[int]map[string]any{0: row}, nil
}

// BigQuery refuses a statement after another one has changed its rows. The statement runs
// again.
func TestChangeAfterConflict(t *testing.T) {
	t.Parallel()
	engine := &crossing{}
	p := start(t, bigqueryfake.Config{Engine: engine})
	warehousetest.Fill(t, p.Sink(t), annsRows(t))
	rewrite := func() (privacy.Erased, error) {
		return bigquery.Rewrite(t.Context(), bigquery.Rewriting{Config: p.config(), Set: map[string]string{"recipient": "NULL"}, Where: "TRUE"})
	}
	engine.other = func() {
		if _, err := rewrite(); err != nil {
			t.Errorf("the other statement: %v", err)
		}
	}
	erased, err := rewrite()
	if n := engine.calls.Load(); err != nil || erased.Events != 1 || n != 3 {
		t.Errorf("rewritten %+v, %v, with %d statements; want 3", erased, err, n)
	}
}
