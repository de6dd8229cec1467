package bigquery

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	bq "cloud.google.com/go/bigquery"
)

// Attempts of a statement that BigQuery refuses because of another statement. The pauses
// add up to a minute: BigQuery runs 2 such statements of a table at a time and queues 20
// (https://cloud.google.com/bigquery/quotas#data-manipulation-language-dml).
const (
	changeAttempts   = 6
	firstChangePause = 2 * time.Second
)

// changeAll runs statements that change rows, one after the other, and returns the number
// of changed rows.
func (r *Reader) changeAll(ctx context.Context, statements []string, progress func(done, total int64)) (changed int64, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if progress == nil {
		progress = func(int64, int64) {}
	}
	total := int64(len(statements))
	progress(0, total)
	for i, statement := range statements {
		n, err := r.change(ctx, statement)
		if err != nil {
			return changed, r.explainChange(ctx, err)
		}
		changed += n
		progress(int64(i+1), total)
	}
	return changed, nil
}

// change runs a statement, and again while another statement is in its way.
func (r *Reader) change(ctx context.Context, statement string) (int64, error) {
	pause := firstChangePause
	for attempt := 1; ; attempt++ {
		changed, err := r.changeOnce(ctx, statement)
		if err == nil || attempt == changeAttempts || !isConflict(err) {
			return changed, err
		}
		r.cfg.Log.Info().Dur("pause", pause).Msg("another statement changes the table, trying again")
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return 0, errors.Join(context.Cause(ctx), err)
		}
		pause *= 2
	}
}

func (r *Reader) changeOnce(ctx context.Context, statement string) (changed int64, err error) {
	kind, _, _ := strings.Cut(statement, " ")
	defer func(was purpose) { r.purpose = was }(r.purpose)
	r.purpose = purpose{kind: kind, verb: "changes rows", label: "eraser"}
	details, err := r.runDML(ctx, statement)
	if err != nil {
		return 0, err
	}
	return details.NumDMLAffectedRows, nil
}

// runDML runs a statement that changes rows, and returns what BigQuery says about the rows.
func (r *Reader) runDML(ctx context.Context, statement string) (details *bq.QueryStatistics, err error) {
	ctx, release, err := r.begin(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	err = r.run(ctx, statement, func(job *bq.Job) error {
		r.cfg.Log.Info().Int64("bytes", r.plan.bytes).Str("job", job.ID()).Msg("rows in BigQuery changed")
		var ok bool
		if details, ok = job.LastStatus().Statistics.Details.(*bq.QueryStatistics); !ok {
			return errors.New("BigQuery does not say how many rows it has changed")
		}
		return nil
	})
	return details, err
}

// isConflict reports whether BigQuery has refused a statement because of others. The texts
// are those of https://cloud.google.com/bigquery/docs/troubleshoot-queries and of
// https://github.com/dbt-labs/dbt-bigquery/blob/main/dbt/adapters/bigquery/connections.py.
func isConflict(err error) bool {
	said := refusalOf(err).message
	return strings.Contains(said, "Could not serialize access") || strings.Contains(said, "due to concurrent update") ||
		strings.Contains(said, "Too many DML statements outstanding")
}

// explainChange returns the error of a statement that changes rows in our words. After each
// of these errors, the erasure may be run again.
func (r *Reader) explainChange(ctx context.Context, err error) error {
	said := refusalOf(err)
	var advice string
	switch {
	case strings.Contains(said.message, "streaming buffer"):
		advice = "another program has written rows by insertAll: run the erasure again 30 minutes after the program's last row"
	case isConflict(err):
		advice = "other statements change the table all the time, such as a compaction: run the erasure again when they have ended"
	case strings.Contains(said.message, "Too many partitions"):
		advice = "a statement may change 4,000 days at most: erase fewer persons at a time"
	default:
		return r.explain(ctx, err)
	}
	return fmt.Errorf("change rows in BigQuery %s.%s: %s (%s)", r.cfg.Project, r.cfg.Dataset, said.message, advice)
}
