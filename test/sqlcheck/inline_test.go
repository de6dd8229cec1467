package sqlcheck_test

import (
	"regexp"
	"strings"

	"github.com/cioevents/cioevents/internal/warehouse/bigquery"
)

// raw is the table of events.
const raw = project + "." + dataset + "." + bigquery.Raw

// queryText has the text of each view and table function.
type queryText map[string]string

var (
	created   = regexp.MustCompile("^CREATE (?:OR REPLACE )?(?:VIEW|TABLE FUNCTION)(?: IF NOT EXISTS)? `[^`]*\\.(\\w+)`")
	reference = regexp.MustCompile("`[^`]*\\.(customerio_\\w+)`(\\(first_day, last_day\\))?")
	parameter = regexp.MustCompile(`\b(first|last)_day\b`)
)

func texts() queryText {
	q := queryText{}
	for _, s := range bigquery.Statements(project, dataset, "") {
		if m := created.FindStringSubmatch(s); m != nil {
			_, text, _ := strings.Cut(s, " AS")
			if text, function := strings.CutPrefix(text, " (\n"); function {
				q[m[1]] = strings.TrimSuffix(text, ")")
			} else {
				q[m[1]] = text
			}
		}
	}
	return q
}

// inline returns the query of a view with the queries of other views in place of their
// names, as BigQuery reads it, and a date in place of each parameter.
func (q queryText) inline(name string) string { return q.inlineText(q[name]) }

func (q queryText) inlineText(query string) string {
	query = reference.ReplaceAllStringFunc(query, func(s string) string {
		if other := reference.FindStringSubmatch(s)[1]; q[other] != "" {
			return "(" + q.inline(other) + ")"
		}
		return s
	})
	return parameter.ReplaceAllString(query, "DATE '2026-11-01'")
}
