package sqlcheck_test

import (
	"context"
	"regexp"
	"testing"
	"time"

	"github.com/cioevents/cioevents/internal/report"
	"github.com/cioevents/cioevents/internal/warehouse"
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
	for _, campaign := range []int64{0, 4} {
		r := &recorder{}
		if _, err := report.New(t.Context(), report.Config{Reader: r, Dialect: warehouse.GoogleSQL, Campaign: campaign, Days: 7}); err != nil {
			t.Fatal(err)
		}
		if _, err := report.Minutes(t.Context(), report.Config{Reader: r, Dialect: warehouse.GoogleSQL}, time.Hour); err != nil {
			t.Fatal(err)
		}
		if _, err := report.NewHealth(t.Context(), report.Config{Reader: r, Dialect: warehouse.GoogleSQL, Days: 7}); err != nil {
			t.Fatal(err)
		}
		for _, sql := range r.statements {
			if err := a.Run(bare.ReplaceAllString(sql, "FROM `"+project+"."+dataset+".$1`")); err != nil {
				t.Errorf("%v\n%s", err, sql)
			}
		}
	}
}
