package bigquerytest_test

import (
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"cloud.google.com/go/bigquery"
	rest "google.golang.org/api/bigquery/v2"
	"google.golang.org/api/googleapi"
	"google.golang.org/api/option"

	"github.com/cioevents/cioevents/internal/warehouse/bigquery/bigqueryfake"
	"github.com/cioevents/cioevents/internal/warehouse/bigquery/bigquerytest"
)

// connect returns a server with the empty dataset p.d in the EU, and Google's two clients.
func connect(t *testing.T) (*bigqueryfake.Server, *bigquery.Client, *rest.Service) {
	t.Helper()
	server := bigquerytest.Start(t, bigqueryfake.Config{})
	options := []option.ClientOption{option.WithEndpoint(server.RESTEndpoint()), option.WithoutAuthentication()}
	client, err := bigquery.NewClient(t.Context(), "p", options...)
	if err != nil {
		t.Fatal(err)
	}
	service, err := rest.NewService(t.Context(), options...)
	if err != nil {
		t.Fatal(err)
	}
	if err := client.Dataset("d").Create(t.Context(), &bigquery.DatasetMetadata{Location: "EU"}); err != nil {
		t.Fatal(err)
	}
	return server, client, service
}

func query(client *bigquery.Client, statement string) *bigquery.Query {
	q := client.Query(statement)
	q.DefaultDatasetID = "d"
	return q
}

func wantStatus(t *testing.T, what string, err error, code int, reason string) {
	t.Helper()
	web, ok := errors.AsType[*googleapi.Error](err)
	if !ok || web.Code != code || len(web.Errors) == 0 || web.Errors[0].Reason != reason {
		t.Errorf("%s: %v; want %d %s", what, err, code, reason)
	}
}

// A job is known in its location only, and has an id once.
func TestLocationsAndIDs(t *testing.T) {
	t.Parallel()
	_, client, _ := connect(t)
	q := query(client, "SELECT 1 AS x")
	q.Location = "US"
	_, err := q.Run(t.Context())
	wantStatus(t, "a job in another location", err, http.StatusNotFound, "notFound")
	q.Location, q.JobID = "EU", "mine"
	if _, err := q.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, err = q.Run(t.Context())
	wantStatus(t, "the id again", err, http.StatusConflict, "duplicate")
	_, err = client.JobFromIDLocation(t.Context(), "mine", "asia-east1")
	wantStatus(t, "the job elsewhere", err, http.StatusNotFound, "notFound")
	if _, err = client.JobFromIDLocation(t.Context(), "mine", "EU"); err != nil {
		t.Errorf("the job: %v", err)
	}
}

// A dry run creates no job, and says the type of the statement.
func TestDryRuns(t *testing.T) {
	t.Parallel()
	server, client, _ := connect(t)
	for statement, want := range map[string]string{"SELECT 1 AS x": "SELECT", "SELECT 1; SELECT 2": "SCRIPT", "CREATE TABLE a AS SELECT 1 AS x": "CREATE"} {
		q := query(client, statement)
		q.DryRun = true
		job, err := q.Run(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if got := job.LastStatus().Statistics.Details.(*bigquery.QueryStatistics).StatementType; got != want {
			t.Errorf("%s is %s; want %s", statement, got, want)
		}
	}
	for statement, code := range map[string]int{"SELECT 1 FROM none": http.StatusNotFound, "SELECT none": http.StatusBadRequest, "SELEC 1": http.StatusBadRequest} {
		_, err := query(client, statement).Run(t.Context())
		wantStatus(t, statement, err, code, map[int]string{http.StatusNotFound: "notFound", http.StatusBadRequest: "invalidQuery"}[code])
	}
	if n := len(server.Jobs()); n != 0 {
		t.Errorf("%d jobs; want none", n)
	}
}

// getQueryResults answers before a slow job ends, and then has pages.
func TestResults(t *testing.T) {
	t.Parallel()
	_, client, service := connect(t)
	q := query(client, "SELECT i FROM range(25000000) t(i) WHERE i % 1000000 = 0 ORDER BY i")
	q.JobID = "j"
	if _, err := q.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	get := func(timeout time.Duration, token string) *rest.GetQueryResultsResponse {
		t.Helper()
		call := service.Jobs.GetQueryResults("p", "j").Location("EU").MaxResults(10).TimeoutMs(timeout.Milliseconds())
		if token != "" {
			call = call.PageToken(token)
		}
		answer, err := call.Context(t.Context()).Do()
		if err != nil {
			t.Fatal(err)
		}
		return answer
	}
	if early := get(0, ""); early.JobComplete || len(early.Rows) > 0 {
		t.Errorf("before the end: %+v", early)
	}
	token, n := "", 0
	for page := 1; ; page++ {
		answer := get(time.Minute, token)
		for _, row := range answer.Rows {
			if row.F[0].V != fmt.Sprint(n*1_000_000) {
				t.Errorf("row %d is %v", n, row.F[0].V)
			}
			n++
		}
		if token = answer.PageToken; token == "" {
			if page != 3 || n != 25 || answer.TotalRows != 25 {
				t.Errorf("%d pages with %d rows of %d; want 3 with 25", page, n, answer.TotalRows)
			}
			return
		}
	}
}

// An account without the permission for jobs may read the dataset.
func TestNoJobs(t *testing.T) {
	t.Parallel()
	server, client, _ := connect(t)
	server.Deny(bigqueryfake.NoJobs)
	_, err := query(client, "SELECT 1 AS x").Run(t.Context())
	wantStatus(t, "a job", err, http.StatusForbidden, "accessDenied")
	if _, err := client.Dataset("d").Metadata(t.Context()); err != nil {
		t.Errorf("the dataset: %v", err)
	}
}
