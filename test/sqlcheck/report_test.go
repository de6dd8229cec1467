package sqlcheck_test

import (
	"context"
	"regexp"
	"testing"
	"time"

	"github.com/cioevents/cioevents/internal/report"
	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/bigquery"
)

// A recorder is a reader of an empty warehouse that keeps the statements.
type recorder struct{ statements []string }

func (r *recorder) Query(_ context.Context, statement string) (*warehouse.Rows, error) {
	r.statements = append(r.statements, statement)
	return &warehouse.Rows{Each: func(func([]any, error) bool) {}}, nil
}

func (r *recorder) Close() error { return nil }

var bare = regexp.MustCompile(`\bFROM (?:messaging\.)?(customerio_\w+)(?:\(DATE[^)]*\))?`)

// The report's statements are GoogleSQL. A reader adds the dataset, the analyzer does not.
func TestReport(t *testing.T) {
	t.Parallel()
	a := prepared(t)
	for _, cfg := range []report.Config{{}, {Days: 7}, {Days: 7, Campaign: 4}, {Days: 7, Timezone: "Europe/Berlin"}} {
		r := &recorder{}
		cfg.Reader, cfg.Dialect, cfg.Rows = r, warehouse.GoogleSQL, bigquery.Raw
		if _, err := report.Minutes(t.Context(), cfg, time.Hour); err != nil {
			t.Fatal(err)
		}
		if _, err := report.New(t.Context(), cfg); err != nil {
			t.Fatal(err)
		}
		for _, sql := range r.statements {
			if err := a.Run(bare.ReplaceAllString(sql, "FROM `"+project+"."+dataset+".$1`")); err != nil {
				t.Errorf("%v\n%s", err, sql)
			}
		}
	}
}
