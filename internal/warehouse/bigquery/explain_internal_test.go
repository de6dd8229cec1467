package bigquery

import (
	"errors"
	"testing"

	bq "cloud.google.com/go/bigquery"

	"github.com/cioevents/cioevents/internal/warehouse"
)

// Only the SQL of migrate --print creates the functions of days. The report says so if the
// error is a MissingNameError. The first text is the analyzer's; the second is a guess.
func TestMissingFunction(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"Table-valued function not found: messaging.customerio_daily_between at [1:15]",
		"Not found: Routine p:messaging.customerio_daily_between",
	} {
		err := (&Reader{}).explain(t.Context(), &bq.Error{Reason: "invalidQuery", Message: text})
		if _, ok := errors.AsType[*warehouse.MissingNameError](err); !ok {
			t.Errorf("%s: %v, want a MissingNameError", text, err)
		}
	}
}
