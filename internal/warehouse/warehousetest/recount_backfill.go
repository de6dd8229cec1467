package warehousetest

import (
	"time"

	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/pkg/webhook"
)

// metricOf returns workspace, delivery and metric of a row.
func metricOf(r *warehouse.Row) [3]string {
	return [3]string{r.Workspace, r.DeliveryID, string(r.Metric)}
}

// toldOf returns the metrics of deliveries of which a webhook has told.
func toldOf(rows []warehouse.Row) map[[3]string]bool {
	told := map[[3]string]bool{}
	for i := range rows {
		if rows[i].Shape != webhook.Backfill {
			told[metricOf(&rows[i])] = true
		}
	}
	return told
}

// backfilled returns backfilled events of every third row. Those of every second delivery
// are about a delivery of their own: no webhook has told of them. The others say less than
// the webhook, which counts.
func backfilled(rows []warehouse.Row) []warehouse.Row {
	var list []warehouse.Row
	made := map[warehouse.Key]bool{}
	for i := 0; i < len(rows); i += 3 {
		r := rows[i]
		if r.DeliveryID == "" || r.Metric == "" || r.Metric == webhook.PreferencesChanged {
			continue
		}
		if r.DeliveryID[len(r.DeliveryID)-1]%2 == 0 {
			r.DeliveryID += "-alone"
		} else {
			r.ByMachine = nil
		}
		r.EventID, r.Shape = webhook.BackfillPrefix+r.DeliveryID+":"+string(r.Metric), webhook.Backfill
		r.Href, r.LinkID, r.LinkName = "", 0, ""
		r.ReceivedAt = r.ReceivedAt.Add(30 * 24 * time.Hour)
		if !made[r.Key()] {
			made[r.Key()] = true
			list = append(list, r)
		}
	}
	return list
}
