package bigquery

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"

	bq "cloud.google.com/go/bigquery"
	"google.golang.org/api/googleapi"
	"google.golang.org/api/iterator"
	"google.golang.org/grpc/codes"

	"github.com/cioevents/cioevents/internal/warehouse"
)

// A refused is BigQuery's refusal of a call or of a job.
type refused struct {
	code            int // of HTTP, 0 for a job
	reason, message string
}

func refusalOf(err error) refused {
	if web, ok := errors.AsType[*googleapi.Error](err); ok {
		r := refused{code: web.Code, message: web.Message}
		if len(web.Errors) > 0 {
			r.reason = web.Errors[0].Reason
		}
		return r
	}
	if job, ok := errors.AsType[*bq.Error](err); ok {
		return refused{reason: job.Reason, message: job.Message}
	}
	return refused{message: err.Error()}
}

var (
	missingTable = regexp.MustCompile(`Not found: Table (\S+)`)
	// missingName also matches a table function, which only the SQL of migrate --print creates.
	missingName = regexp.MustCompile(`Unrecognized name: |Name \S+ not found inside |[Ff]unction not found: |Not found: Routine `)
)

// explain returns the error of a query in our words, and what a person can do.
func (r *Reader) explain(ctx context.Context, err error) error {
	said := refusalOf(err)
	table := missingTable.FindStringSubmatch(said.message)
	text := errors.New(said.message)
	switch {
	case ctx.Err() != nil:
		err = ended(ctx, err)
	case table != nil:
		err = &warehouse.MissingNameError{Err: fmt.Errorf("no table or view %s: the warehouse has %s", table[1], r.tables(ctx))}
	case missingName.MatchString(said.message):
		err = &warehouse.MissingNameError{Err: text}
	case said.reason == "bytesBilledLimitExceeded":
		err = r.tooLarge()
	case errors.Is(err, warehouse.ErrNoCredentials):
		err = fmt.Errorf("%w (%s)", err, credentialsAdvice)
	case codeOf(err) == codes.ResourceExhausted:
		err = fmt.Errorf("%w (try later, or ask the project's administrator for a higher limit)", text)
	case said.code == http.StatusForbidden:
		err = fmt.Errorf("%w (%s)", text, adviceFor(err, readerAdvice(said.message)))
	case said.code == http.StatusNotFound:
		err = fmt.Errorf("%w (a worker creates the dataset when it starts, and a reader looks for its location once: correct the project or the dataset in WAREHOUSE_URL, or try again)", text)
	case said.code != 0, said.reason != "":
		err = text
	}
	return fmt.Errorf("query BigQuery %s.%s: %w", r.cfg.Project, r.cfg.Dataset, err)
}

// ended returns why the context has ended, and what BigQuery has said last.
func ended(ctx context.Context, err error) error {
	cause := context.Cause(ctx)
	if errors.Is(err, cause) {
		return err
	}
	if _, ok := errors.AsType[*googleapi.Error](err); ok {
		return fmt.Errorf("%w: %w", cause, err)
	}
	return cause
}

// readerAdvice returns which role the account of a reader lacks.
func readerAdvice(text string) string {
	if strings.Contains(text, "bigquery.jobs.create") {
		return "the account needs the role roles/bigquery.jobUser on the project"
	}
	if strings.Contains(text, "bigquery.tables.updateData") {
		return "the account needs the role roles/bigquery.dataEditor on the dataset"
	}
	return "the account needs the role roles/bigquery.dataViewer on the dataset"
}

func (r *Reader) tooLarge() error {
	return fmt.Errorf("the query reads %s (%d bytes), and %s in WAREHOUSE_URL allows %s: select fewer columns or days, or raise %[3]s. BigQuery has charged nothing",
		warehouse.Size(r.plan.bytes), r.plan.bytes, maxBytesBilled, warehouse.Size(r.cfg.MaxBytesBilled))
}

// tables returns the names of the tables and views that a query should read.
func (r *Reader) tables(ctx context.Context) string {
	var list []string
	for all := r.client.Dataset(r.cfg.Dataset).Tables(ctx); ; {
		t, err := all.Next()
		switch {
		case errors.Is(err, iterator.Done):
			return strings.Join(list, ", ")
		case err != nil:
			return fmt.Sprintf("names that BigQuery does not list: %v", err)
		case t.TableID != Raw && t.TableID != NamesRaw:
			list = append(list, t.TableID)
		}
	}
}
