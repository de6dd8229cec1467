package bigqueryfake

import (
	"net/http"
	"strconv"
	"time"

	"google.golang.org/api/bigquery/v2"
)

// getQueryResults waits for the end of a job, and returns a page of its rows. A wait longer
// than timeoutMs ends with jobComplete=false. The default is 10 s
// (https://cloud.google.com/bigquery/docs/reference/rest/v2/jobs/getQueryResults).
//
// Google documents no HTTP status for a failed job. The fake answers 400 for a mistake in
// the statement, and otherwise 500, the worse status for a client that repeats such calls.
func (s *Server) getQueryResults(r *http.Request) (any, error) {
	j, err := s.findJob(r)
	if err != nil {
		return nil, err
	}
	if !await(r, j) {
		return &bigquery.GetQueryResultsResponse{Kind: "bigquery#getQueryResultsResponse", JobReference: j.resource.JobReference, ForceSendFields: []string{"JobComplete"}}, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if j.failed != nil {
		code := http.StatusInternalServerError
		if j.failed.Reason == "invalidQuery" {
			code = http.StatusBadRequest
		}
		return nil, &restError{code, j.failed.Reason, j.failed.Message}
	}
	return j.page(r)
}

func await(r *http.Request, j *job) bool {
	wait := 10 * time.Second
	if ms, err := strconv.Atoi(r.FormValue("timeoutMs")); err == nil {
		wait = time.Duration(ms) * time.Millisecond
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-j.done:
		return true
	case <-timer.C:
	case <-r.Context().Done():
	}
	return false
}

// pageRows bounds a page. BigQuery bounds a page by 10 MB.
const pageRows = 20_000

// page returns the rows from pageToken, or from startIndex, on.
func (j *job) page(r *http.Request) (any, error) {
	from, most := 0, pageRows
	for _, name := range []string{"startIndex", "pageToken"} {
		if text := r.FormValue(name); text != "" {
			n, err := strconv.Atoi(text)
			if err != nil || n < 0 || n > len(j.result.Rows) {
				return nil, invalid("Invalid value for " + name)
			}
			from = n
		}
	}
	if n, err := strconv.Atoi(r.FormValue("maxResults")); err == nil {
		most = min(n, most)
	}
	to := min(from+most, len(j.result.Rows))
	answer := &bigquery.GetQueryResultsResponse{
		Kind: "bigquery#getQueryResultsResponse", JobReference: j.resource.JobReference, JobComplete: true,
		Schema: &bigquery.TableSchema{Fields: j.result.Fields}, TotalRows: uint64(len(j.result.Rows)),
		TotalBytesProcessed: j.bytes,
	}
	if to < len(j.result.Rows) {
		answer.PageToken = strconv.Itoa(to)
	}
	micros := r.FormValue("formatOptions.useInt64Timestamp") == "true"
	for _, row := range j.result.Rows[from:to] {
		answer.Rows = append(answer.Rows, &bigquery.TableRow{F: cells(j.result.Fields, row, micros)})
	}
	return answer, nil
}
