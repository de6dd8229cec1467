package bigqueryfake

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"strings"

	"google.golang.org/api/bigquery/v2"
)

// A job is a query job that is not a dry run. The Server's mutex guards the fields below
// done.
type job struct {
	resource *bigquery.Job // without status
	query    Query
	plan     Plan
	bytes    int64
	end      context.CancelFunc
	done     chan struct{} // closed when the job has ended

	result  *Result
	changed int64 // rows of an UPDATE or a DELETE
	failed  *bigquery.ErrorProto
}

// run runs the job until its end.
func (s *Server) run(ctx context.Context, j *job) {
	run := func(ctx context.Context, j *job) (*Result, error) { return s.cfg.Engine.Run(ctx, j.query) }
	if isDML(j.plan) {
		run = s.change
	}
	result, err := run(ctx, j)
	s.mu.Lock()
	defer s.mu.Unlock()
	defer close(j.done)
	switch {
	case j.failed != nil: // cancelled
	case err != nil:
		j.failed = &bigquery.ErrorProto{Reason: "invalidQuery", Message: err.Error(), Location: "query"}
	default:
		j.result = result
		s.merge(j.query, result.Merged)
	}
}

// merge stores what a MERGE has changed. The caller holds the mutex.
func (s *Server) merge(q Query, m *Merged) {
	if m == nil {
		return
	}
	if t := s.tables[tableName(q.Project, q.Dataset, m.Table)]; t != nil {
		t.rows, t.len = m.Rows, len(m.Rows)
		s.touch(t)
	}
}

// refuse ends a job that has not begun.
func (j *job) refuse(reason, text string) {
	j.failed = &bigquery.ErrorProto{Reason: reason, Message: text}
	close(j.done)
}

// overLimit refuses a job that would cost more than its limit. The job exists, and has failed
// with the reason and the text of https://github.com/exmergo/dex/issues/320.
func (j *job) overLimit() bool {
	limit := j.resource.Configuration.Query.MaximumBytesBilled
	least := billed(j.bytes, len(j.plan.Reads))
	if j.bytes == 0 || limit <= 0 || least <= limit {
		return false
	}
	j.refuse("bytesBilledLimitExceeded", fmt.Sprintf("Query exceeded limit for bytes billed: %d. %d or higher required.", limit, least))
	return true
}

func (j *job) ended() bool {
	select {
	case <-j.done:
		return true
	default:
		return false
	}
}

// described returns the REST resource. The caller holds the mutex.
func (j *job) described() *bigquery.Job {
	resource := *j.resource
	resource.Status = &bigquery.JobStatus{State: "RUNNING"}
	resource.Statistics = statistics(j.plan, j.bytes)
	switch {
	case j.failed != nil:
		resource.Status = &bigquery.JobStatus{State: "DONE", ErrorResult: j.failed, Errors: []*bigquery.ErrorProto{j.failed}}
	case j.ended():
		resource.Status.State = "DONE"
		if m := j.result.Merged; m != nil {
			resource.Statistics.Query.DmlStats = &bigquery.DmlStatistics{InsertedRowCount: m.Inserted, DeletedRowCount: m.Deleted}
			resource.Statistics.Query.NumDmlAffectedRows = m.Inserted + m.Deleted
		}
	}
	j.dmlStatistics(resource.Statistics)
	return &resource
}

func statistics(p Plan, bytes int64) *bigquery.JobStatistics {
	return &bigquery.JobStatistics{
		TotalBytesProcessed: bytes,
		Query:               &bigquery.JobStatistics2{StatementType: p.StatementType, TotalBytesProcessed: bytes},
	}
}

// findJob returns the job of a request. A job is known in its location only. A request
// without a location finds jobs in US and EU
// (https://cloud.google.com/bigquery/docs/reference/rest/v2/jobs/get). The text is that of
// https://github.com/kitagry/bqls.nvim/issues/10.
func (s *Server) findJob(r *http.Request) (*job, error) {
	project, id, location := r.PathValue("project"), r.PathValue("job"), r.FormValue("location")
	s.mu.Lock()
	defer s.mu.Unlock()
	j := s.jobs[project+":"+id]
	if j != nil {
		at := j.resource.JobReference.Location
		if strings.EqualFold(at, location) || location == "" && (at == "US" || at == "EU") {
			return j, nil
		}
	}
	return nil, notFound("Job", project+":"+cmp.Or(location, "US")+"."+id)
}

func (s *Server) getJob(r *http.Request) (any, error) {
	j, err := s.findJob(r)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return j.described(), nil
}

// cancelJob cancels a job, and changes nothing about a job that has ended. The reason is
// that of https://cloud.google.com/bigquery/docs/error-messages.
func (s *Server) cancelJob(r *http.Request) (any, error) {
	j, err := s.findJob(r)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !j.ended() {
		j.failed = &bigquery.ErrorProto{Reason: "stopped", Message: "Job execution was cancelled: User requested cancellation"}
		j.end()
	}
	return &bigquery.JobCancelResponse{Kind: "bigquery#jobCancelResponse", Job: j.described()}, nil
}

// Jobs returns the resources of all query jobs in the order of their creation, without dry
// runs. A cancelled job has the reason "stopped".
func (s *Server) Jobs() []*bigquery.Job {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]*bigquery.Job, len(s.jobOrder))
	for i, j := range s.jobOrder {
		list[i] = j.described()
	}
	return list
}
