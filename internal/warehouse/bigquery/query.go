package bigquery

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"time"

	bq "cloud.google.com/go/bigquery"
)

// A plan is what a dry run has said about a statement.
type plan struct {
	statement string
	bytes     int64
}

// cancelWait bounds the cancellation of a job after the end of a query's context.
const cancelWait = 5 * time.Second

// longestPause is the longest pause between two looks at a job.
const longestPause = time.Second

// query returns the configuration of a job. Google's default time zone is UTC unless an
// administrator has set another one for the project
// (https://cloud.google.com/bigquery/docs/default-configuration).
func (r *Reader) query(statement string) *bq.Query {
	q := r.client.Query(statement)
	q.DefaultProjectID, q.DefaultDatasetID, q.Location = r.cfg.Project, r.cfg.Dataset, r.location
	q.Labels = map[string]string{"cioevents": r.purpose.label} // to find the cost in INFORMATION_SCHEMA.JOBS
	q.ConnectionProperties = []*bq.ConnectionProperty{{Key: "time_zone", Value: "UTC"}}
	return q
}

// dryRun lets BigQuery judge the statement, and returns an error unless the statement is
// one of the Reader's kind. A second call with the same statement costs no request.
func (r *Reader) dryRun(ctx context.Context, statement string) (plan, error) {
	switch statement {
	case "":
		return plan{}, errors.New("want a statement, have none")
	case r.plan.statement:
		return r.plan, nil
	}
	q := r.query(statement)
	q.DryRun = true
	job, err := q.Run(ctx)
	if err != nil {
		return plan{}, err
	}
	all := job.LastStatus().Statistics
	details, ok := all.Details.(*bq.QueryStatistics)
	switch {
	case !ok || details.StatementType == "":
		return plan{}, errors.New("BigQuery does not say whether the statement only reads")
	case details.StatementType == "SCRIPT":
		return plan{}, errors.New("want one statement, have a script")
	case details.StatementType != r.purpose.kind:
		return plan{}, fmt.Errorf("want a statement that %s, a %s: for BigQuery the statement is %s", r.purpose.verb, r.purpose.kind, details.StatementType)
	}
	r.plan = plan{statement, all.TotalBytesProcessed}
	return r.plan, nil
}

// run runs the statement and calls use with the finished job. When ctx ends before, run
// cancels the job by the id, which the Reader has chosen: the answer of BigQuery may be lost.
func (r *Reader) run(ctx context.Context, statement string, use func(*bq.Job) error) error {
	if _, err := r.dryRun(ctx, statement); err != nil {
		return err
	}
	q := r.query(statement)
	q.JobID = "cioevents_" + rand.Text()
	q.MaxBytesBilled = r.cfg.MaxBytesBilled
	job, err := q.Run(ctx)
	if err == nil {
		err = wait(ctx, job)
	}
	if err == nil {
		err = use(job)
	}
	if err != nil && ctx.Err() != nil {
		return errors.Join(context.Cause(ctx), r.cancel(ctx, q.JobID))
	}
	return err
}

// firstRows reads the first rows of a job.
func firstRows(ctx context.Context, job *bq.Job) (*bq.RowIterator, error) {
	it, err := job.Read(ctx)
	if err != nil {
		return nil, err
	}
	it.PageInfo().MaxSize = pageRows
	return it, nil
}

// wait waits for the end of the job. Job.Read could wait, too. But Read repeats a call that
// ends with a status of 500 or above until ctx ends, and some failed jobs may answer so.
func wait(ctx context.Context, job *bq.Job) error {
	for pause := 50 * time.Millisecond; !job.LastStatus().Done(); pause = min(pause*3/2, longestPause) {
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		if _, err := job.Status(ctx); err != nil {
			return err
		}
	}
	return job.LastStatus().Err()
}

// cancel cancels a job, if it exists. A job that goes on costs as much as a finished one.
func (r *Reader) cancel(ctx context.Context, id string) error {
	ctx, stop := context.WithTimeout(context.WithoutCancel(ctx), cancelWait)
	defer stop()
	job, err := r.client.JobFromIDLocation(ctx, id, r.location)
	if err == nil {
		err = job.Cancel(ctx)
	}
	if err != nil && !isStatus(err, http.StatusNotFound) {
		return fmt.Errorf("cancel job %s, which goes on: %w", id, err)
	}
	return nil
}
