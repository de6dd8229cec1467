package customeriotest

import (
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/cioevents/cioevents/pkg/webhook"
)

// A delivery is a message to one person.
type delivery struct {
	*webhook.Event // the first event
	created        int64
	metrics        map[string]int64 // unix seconds of the first time
	humans         map[string]int64 // human_opened and its like: the number of events
}

// Record adds the event of a reporting webhook to its delivery, and creates the delivery
// and its source. Record ignores events without a delivery and bodies without sense.
func (a *App) Record(body []byte) {
	e, err := webhook.Parse(body)
	if err != nil || e.DeliveryID == "" {
		return
	}
	e.Raw, e.Content = nil, ""
	a.mu.Lock()
	defer a.mu.Unlock()
	a.origin(e)
	d := a.byID[e.DeliveryID]
	if d == nil {
		d = &delivery{Event: e, created: e.OccurredAt.Unix(), metrics: map[string]int64{}, humans: map[string]int64{}}
		d.metrics["created"] = d.created
		a.byID[e.DeliveryID] = d
		a.deliveries = append(a.deliveries, d)
		if len(a.deliveries) > a.cfg.Deliveries {
			delete(a.byID, a.deliveries[0].DeliveryID)
			a.deliveries = a.deliveries[1:]
		}
	}
	d.record(e)
}

// record notes the first time of a metric. The App API names neither later opens nor
// deferred and replied.
func (d *delivery) record(e *webhook.Event) {
	if e.Metric == webhook.Deferred || e.Metric == webhook.Replied {
		return
	}
	names := []string{string(e.Metric)}
	if e.Metric == webhook.Opened || e.Metric == webhook.Clicked {
		origin := "human_"
		if machine := e.IsMachine(); machine != nil && *machine {
			origin = "prefetch_"
		}
		names = append(names, origin+string(e.Metric))
		d.humans[origin+string(e.Metric)]++
	}
	for _, name := range names {
		if at, ok := d.metrics[name]; !ok || e.OccurredAt.Unix() < at {
			d.metrics[name] = e.OccurredAt.Unix()
		}
	}
	if e.FailureMessage != "" {
		d.FailureMessage = e.FailureMessage
	}
}

// Forget removes a delivery, as the deletion of a person may.
func (a *App) Forget(deliveryID string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.byID, deliveryID)
	a.deliveries = slices.DeleteFunc(a.deliveries, func(d *delivery) bool { return d.DeliveryID == deliveryID })
}

func (a *App) getDelivery(r *http.Request) answer {
	d := a.byID[r.PathValue("id")]
	if d == nil {
		return missing
	}
	return found(map[string]any{"message": d.export(a.cfg.HumanCounts)})
}

// The longest windows of creation times, in the list of all deliveries and in the lists
// of one source.
const (
	window       = 183 * 24 * time.Hour
	sourceWindow = 366 * 24 * time.Hour
)

// listDeliveries lists deliveries by the time of their creation. parent is the parameter
// that the id in the path stands for, or "".
func (a *App) listDeliveries(parent string) func(*http.Request) answer {
	longest := window
	if parent != "" {
		longest = sourceWindow
	}
	return func(r *http.Request) answer {
		filters := r.URL.Query()
		if parent != "" {
			filters.Set(parent, r.PathValue("id"))
		}
		end := unix(filters.Get("end_ts"), time.Now().Unix())
		start := max(unix(filters.Get("start_ts"), 0), end-int64(longest/time.Second))
		items := []any{}
		for _, d := range a.deliveries {
			if d.created >= start && d.created <= end && d.matches(filters.Get) {
				items = append(items, d.export(a.cfg.HumanCounts))
			}
		}
		if a.cfg.NewestFirst {
			slices.Reverse(items)
		}
		return a.page(r, "messages", items)
	}
}

func unix(text string, otherwise int64) int64 {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n
	}
	return otherwise
}

// matches applies the filters of a list.
func (d *delivery) matches(filter func(string) string) bool {
	for name, value := range map[string]string{
		"type": typeOf(d.Event), "campaign_id": id(d.CampaignID), "newsletter_id": id(d.NewsletterID),
		"broadcast_id": id(d.BroadcastID), "action_id": id(d.ActionID),
	} {
		if want := filter(name); want != "" && want != value {
			return false
		}
	}
	if metric := filter("metric"); metric != "" {
		_, ok := d.metrics[metric]
		return ok
	}
	return true
}

func id(n int64) string { return strconv.FormatInt(n, 10) }

// typeOf returns the object type of an event in the words of the App API.
func typeOf(e *webhook.Event) string {
	if e.ObjectType == webhook.SMS {
		return "twilio"
	}
	return string(e.ObjectType)
}

// export returns the delivery in the form of the App API: ids that do not apply are null.
func (d *delivery) export(humanCounts bool) map[string]any {
	metrics := map[string]int64{}
	for name, at := range d.metrics {
		metrics[name] = at
		if n := d.humans[name]; n > 0 && humanCounts {
			metrics[name] = n
		}
	}
	return map[string]any{
		"id": d.DeliveryID, "type": typeOf(d.Event), "created": d.created, "forgotten": false,
		"deduplicate_id": d.DeliveryID + ":" + id(d.created), "metrics": metrics,
		"customer_id": text(d.CustomerID), "recipient": d.Recipient, "subject": d.Subject, "failure_message": text(d.FailureMessage),
		"customer_identifiers": map[string]any{"id": text(d.Identifiers.ID), "email": text(d.Identifiers.Email), "cio_id": d.Identifiers.CioID},
		"campaign_id":          nullable(d.CampaignID), "broadcast_id": nullable(d.BroadcastID), "newsletter_id": nullable(d.NewsletterID),
		"action_id": nullable(d.ActionID), "parent_action_id": nullable(d.ParentActionID), "content_id": nullable(d.ContentID),
		"trigger_event_id": text(d.TriggerEventID),
	}
}

func nullable(n int64) any {
	if n == 0 {
		return nil
	}
	return n
}

func text(s string) any {
	if s == "" {
		return nil
	}
	return s
}
