package warehousetest

import (
	"os"
	"strconv"
	"testing"

	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/pkg/webhook/webhooktest"
)

// deliveries is a setting of the tests: 80000 makes 200,000 events.
const deliveries = "CIOEVENTS_TEST_DELIVERIES"

// Simulation returns a simulation of 2,000 deliveries, or of as many as the variable
// CIOEVENTS_TEST_DELIVERIES says.
func Simulation() webhooktest.Mix {
	n, err := strconv.Atoi(os.Getenv(deliveries)) //nolint:forbidigo // a setting of tests
	if err != nil {
		n = 2000
	}
	return webhooktest.Mix{Seed: 5, Deliveries: n, Start: receivedAt.Add(-webhooktest.MixDuration)}
}

// Simulated writes the events of a simulation with all kinds of messages, recounts every
// view, and compares customerio_messages with what the simulation has planned: a third
// count beside the SQL and the recount.
func Simulated(t *testing.T, w Warehouse, mix webhooktest.Mix, query func(t *testing.T, sql string) [][]any) {
	t.Helper()
	var rows []warehouse.Row
	for body := range mix.Events() {
		rows = append(rows, workersRow(body, len(rows)+1))
	}
	Recount(t, w, rows, query, warehouse.SentAfterOptout) // the company respects opt-outs
	t.Run("planned", func(t *testing.T) { compareRows(t, query(t, plannedSQL), planned(mix.Totals())) })
}

const plannedSQL = `SELECT object_type, source, source_id, coalesce(action_id, 0), coalesce(content_id, 0),
  deliveries, sent, delivered, hard_bounces, soft_bounces, unknown_bounces, failed,
  human_opens, human_clicks, conversions, unsubscribes, complaints, delivered_outside_gmail
FROM customerio_messages WHERE object_type <> 'customer'`

func planned(totals webhooktest.Totals) (rows [][]any) {
	for m, n := range totals.Messages {
		row := []any{string(m.ObjectType), m.Source, m.SourceID, m.ActionID, m.ContentID}
		for _, number := range []int{
			n.Deliveries, n.Sent, n.Delivered, n.HardBounces, n.SoftBounces, n.UnknownBounces, n.Failed,
			n.HumanOpens, n.HumanClicks, n.Conversions, n.Unsubscribes, n.Complaints, n.DeliveredOutsideGmail,
		} {
			row = append(row, int64(number))
		}
		rows = append(rows, row)
	}
	return rows
}
