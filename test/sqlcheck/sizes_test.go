package sqlcheck_test

import (
	"cmp"
	"strings"
	"testing"
	"time"

	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/pkg/webhook"
	"github.com/cioevents/cioevents/pkg/webhook/webhooktest"
)

// sizes returns the mean number of logical bytes of each column over simulated events.
// BigQuery counts 8 for INT64 and TIMESTAMP, 1 for BOOL, 2 and the UTF-8 bytes for STRING
// and JSON, and 0 for NULL: https://cloud.google.com/bigquery/pricing#data
func sizes(t *testing.T) map[string]float64 {
	t.Helper()
	sum, n := map[string]float64{}, 0
	start := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	for body := range (webhooktest.Mix{Seed: 1, Deliveries: 20_000, Start: start}).Events() {
		e, err := webhook.Parse(body)
		if err != nil {
			t.Fatal(err)
		}
		n++
		row := warehouse.NewRow(e, warehouse.Origin{
			EventID: cmp.Or(e.ID, strings.Repeat("0", 64)), Workspace: "default", ReceivedAt: start, Sequence: uint64(n), //nolint:gosec // positive
		})
		for _, c := range warehouse.Columns() {
			sum[c.Name] += logicalBytes(&c, &row)
		}
	}
	for name := range sum {
		sum[name] /= float64(n)
	}
	return sum
}

func logicalBytes(c *warehouse.Column, r *warehouse.Row) float64 {
	switch {
	case c.Type == warehouse.Integer && c.Integer(r) != 0, c.Type == warehouse.Timestamp && !c.Time(r).IsZero():
		return 8
	case c.Type == warehouse.Boolean && c.Boolean(r) != nil:
		return 1
	case (c.Type == warehouse.Text || c.Type == warehouse.JSON) && c.Text(r) != "":
		return float64(2 + len(c.Text(r)))
	default:
		return 0
	}
}
