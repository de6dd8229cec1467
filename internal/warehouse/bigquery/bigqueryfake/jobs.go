package bigqueryfake

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"google.golang.org/api/bigquery/v2"
)

// insertJob begins a query job, or answers a dry run. A mistake in the statement refuses
// the call (https://github.com/metabase/metabase/issues/20514); the job does not exist then.
func (s *Server) insertJob(r *http.Request) (any, error) {
	resource := &bigquery.Job{}
	if err := decode(r, resource); err != nil {
		return nil, err
	}
	q, err := s.queryOf(r.PathValue("project"), resource)
	if err != nil {
		return nil, err
	}
	plan, err := s.cfg.Engine.Plan(r.Context(), q)
	if err != nil {
		return nil, mistake(q, resource.JobReference.Location, err)
	}
	if err := s.mayChange(q, plan); err != nil {
		return nil, err
	}
	bytes := s.bytesRead(q, plan)
	if resource.Configuration.DryRun {
		return answered(resource, plan, bytes), nil
	}
	if _, changes := s.cfg.Engine.(Changer); plan.StatementType != "SELECT" && plan.StatementType != "MERGE" && (!changes || !isDML(plan)) {
		return nil, &restError{http.StatusNotImplemented, "notImplemented", "bigqueryfake runs no " + plan.StatementType}
	}
	return s.begin(&job{resource: resource, query: q, plan: plan, bytes: bytes, done: make(chan struct{}), end: func() {}}) //nolint:contextcheck // the job outlives the request that starts it
}

// mayChange refuses a MERGE, an UPDATE or a DELETE of an account without the permission to
// change rows. The text is that of https://github.com/PostHog/posthog/pull/68010, with another
// permission.
func (s *Server) mayChange(q Query, p Plan) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p.StatementType != "MERGE" && !isDML(p) || !s.lacks(changePermission) {
		return nil
	}
	table := q.Project + ":" + q.Dataset
	return &restError{http.StatusForbidden, "accessDenied", "Access Denied: Dataset " + table + ": Permission " + changePermission + " denied on dataset " + table + " (or it may not exist)."}
}

// queryOf checks the configuration of a job and completes its reference.
func (s *Server) queryOf(project string, resource *bigquery.Job) (Query, error) {
	if s.cfg.Engine == nil || resource.Configuration == nil || resource.Configuration.Query == nil {
		return Query{}, &restError{http.StatusNotImplemented, "notImplemented", "bigqueryfake runs query jobs with Config.Engine only"}
	}
	config := resource.Configuration.Query
	if config.Query == "" {
		return Query{}, invalid("Required parameter is missing: query")
	}
	q := Query{Server: s, Project: project, SQL: config.Query}
	if d := config.DefaultDataset; d != nil {
		q.Project, q.Dataset = cmp.Or(d.ProjectId, project), d.DatasetId
	}
	if resource.JobReference == nil {
		resource.JobReference = &bigquery.JobReference{}
	}
	resource.Kind, resource.JobReference.ProjectId = "bigquery#job", project
	if err := checkLabels(resource.Configuration.Labels); err != nil {
		return Query{}, err
	}
	return q, s.locate(q, resource.JobReference)
}

// locate checks that the default dataset is in the location of the job. Without a
// location, the job runs where the dataset is. The text is that of
// https://github.com/googleapis/google-cloud-python/issues/15691.
func (s *Server) locate(q Query, ref *bigquery.JobReference) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.datasets[q.Project+":"+q.Dataset]
	switch {
	case d == nil && q.Dataset == "":
		ref.Location = cmp.Or(ref.Location, "US")
	case d != nil && (ref.Location == "" || strings.EqualFold(ref.Location, d.Location)):
		ref.Location = d.Location
	default:
		return notFound("Dataset", q.Project+":"+q.Dataset+" was not found in location "+cmp.Or(ref.Location, "US"))
	}
	return nil
}

// mistake returns the refusal of a statement. The text for a table is that of
// https://github.com/mozilla/bigquery-etl/issues/1698.
func mistake(q Query, location string, err error) error {
	if missing, ok := errors.AsType[*MissingTableError](err); ok {
		return notFound("Table", fmt.Sprintf("%s:%s.%s was not found in location %s", q.Project, q.Dataset, missing.Name, location))
	}
	return &restError{http.StatusBadRequest, "invalidQuery", err.Error()}
}

// answered returns the answer to a dry run, which creates no job
// (https://github.com/googleapis/google-cloud-php/issues/907).
func answered(resource *bigquery.Job, p Plan, bytes int64) *bigquery.Job {
	resource.Status = &bigquery.JobStatus{State: "DONE"}
	resource.Statistics = statistics(p, bytes)
	return resource
}

// begin stores a job and runs it. An id can be used once
// (https://cloud.google.com/bigquery/docs/running-jobs#generate-jobid).
func (s *Server) begin(j *job) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ref := j.resource.JobReference
	if ref.JobId == "" {
		ref.JobId = fmt.Sprintf("job_%d", len(s.jobs))
	}
	key := ref.ProjectId + ":" + ref.JobId
	if s.jobs[key] != nil {
		return nil, alreadyExists("Job", ref.ProjectId+":"+ref.Location+"."+ref.JobId)
	}
	j.resource.Statistics = &bigquery.JobStatistics{CreationTime: s.cfg.Now().UnixMilli()}
	s.jobs[key] = j
	s.jobOrder = append(s.jobOrder, j)
	if !j.overLimit() {
		var ctx context.Context
		ctx, j.end = context.WithCancel(s.life)
		s.goroutines.Go(func() { s.run(ctx, j) })
	}
	return j.described(), nil
}
