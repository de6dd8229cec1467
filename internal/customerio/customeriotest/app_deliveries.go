package customeriotest

import (
	"bytes"
	"cmp"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cioevents/cioevents/pkg/webhook"
)

// A delivery is a message to one person.
type delivery struct {
	*webhook.Event // the first event
	created        int64
	metrics        []moment // the first of each metric
	erased         bool
}

// A moment is the first time of a metric, in unix seconds, and the number of events.
type moment struct {
	name  string
	at    int64
	count int64
}

// listed are the metrics that the App API keeps of a delivery: neither deferred, replied
// nor changes of preferences.
var listed = []webhook.Metric{
	webhook.Attempted, webhook.Bounced, webhook.Clicked, webhook.Converted, webhook.Delivered, webhook.Drafted,
	webhook.Dropped, webhook.Failed, webhook.Opened, webhook.Sent, webhook.Spammed, webhook.Undeliverable, webhook.Unsubscribed,
}

// Record adds the event of a reporting webhook to its delivery, and creates the delivery
// and its source. Record ignores events without a delivery, events of a person and bodies
// without sense.
func (a *App) Record(body []byte) {
	e, err := webhook.Parse(body)
	if err != nil || e.DeliveryID == "" || e.ObjectType == webhook.Customer {
		return
	}
	e.Raw, e.Content = nil, ""
	a.mu.Lock()
	defer a.mu.Unlock()
	d := a.byID[e.DeliveryID]
	if d == nil {
		a.origin(e)
		d = &delivery{Event: e, created: e.OccurredAt.Unix()}
		d.note("created", d.created)
		a.add(d)
	}
	d.record(e)
}

func (a *App) recordLines(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the client is gone
	}
	for line := range bytes.Lines(body) {
		a.Record(bytes.Clone(line))
	}
	w.WriteHeader(http.StatusNoContent)
}

// add keeps a delivery in the order of creation.
func (a *App) add(d *delivery) {
	a.byID[d.DeliveryID] = d
	a.deliveries = slices.Insert(a.deliveries, a.from(d.created+1), d)
	if len(a.deliveries) > a.cfg.Deliveries {
		delete(a.byID, a.deliveries[0].DeliveryID)
		a.deliveries = a.deliveries[1:]
	}
}

// from returns the index of the first delivery that was created at a time or later.
func (a *App) from(created int64) int {
	i, _ := slices.BinarySearchFunc(a.deliveries, created, func(d *delivery, at int64) int { return cmp.Compare(d.created, at) })
	return i
}

// record notes the metric of an event, and by whom a message was opened or clicked.
func (d *delivery) record(e *webhook.Event) {
	if !slices.Contains(listed, e.Metric) {
		return
	}
	d.note(string(e.Metric), e.OccurredAt.Unix())
	if e.Metric == webhook.Opened || e.Metric == webhook.Clicked {
		origin := "human_"
		if machine := e.IsMachine(); machine != nil && *machine {
			origin = "prefetch_"
		}
		d.note(origin+string(e.Metric), e.OccurredAt.Unix())
	}
	if e.FailureMessage != "" {
		d.FailureMessage = e.FailureMessage
	}
}

func (d *delivery) note(name string, at int64) {
	m := d.moment(name)
	if m == nil {
		d.metrics = append(d.metrics, moment{name: name, at: at})
		m = &d.metrics[len(d.metrics)-1]
	}
	m.at = min(m.at, at)
	m.count++
}

// moment returns the moment of a metric, or nil.
func (d *delivery) moment(name string) *moment {
	i := slices.IndexFunc(d.metrics, func(m moment) bool { return m.name == name })
	if i < 0 {
		return nil
	}
	return &d.metrics[i]
}

// Erase marks a delivery as that of a person whose data was erased.
func (a *App) Erase(deliveryID string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.byID[deliveryID].erased = true
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

// window is the longest window of creation times.
const window = 183 * 24 * time.Hour

// listDeliveries lists deliveries by the time of their creation.
func (a *App) listDeliveries(r *http.Request) answer {
	filters := r.URL.Query()
	end := unix(filters.Get("end_ts"), time.Now().Unix())
	start := max(unix(filters.Get("start_ts"), 0), end-int64(window/time.Second))
	var list []*delivery
	for _, d := range a.between(start, end) {
		if d.matches(filters.Get) {
			list = append(list, d)
		}
	}
	return a.pageOfDeliveries(r, a.ordered(list))
}

// between returns the deliveries of a window that are still kept.
func (a *App) between(start, end int64) []*delivery {
	if a.cfg.OpenBounds {
		start, end = start+1, end-1
	}
	if a.cfg.Kept > 0 {
		start = max(start, time.Now().Add(-a.cfg.Kept).Unix())
	}
	first, last := a.from(start), a.from(end+1)
	return a.deliveries[min(first, last):last]
}

func (a *App) ordered(list []*delivery) []*delivery {
	switch {
	case a.cfg.NewestFirst:
		slices.Reverse(list)
	case a.cfg.Shuffled:
		slices.SortFunc(list, func(x, y *delivery) int { return cmp.Compare(x.DeliveryID, y.DeliveryID) })
	}
	return list
}

func (a *App) pageOfDeliveries(r *http.Request, list []*delivery) answer {
	start, end, err := a.span(r, len(list))
	if err != nil {
		return deny(http.StatusBadRequest, err.Error())
	}
	next := ""
	if end < len(list) || a.cfg.NextAlways {
		next = strconv.Itoa(end)
	}
	if a.cfg.Shifting && start > 0 {
		if !a.asked[r.URL.RawQuery] {
			start++
		}
		a.asked[r.URL.RawQuery] = true
	}
	items := []any{}
	for _, d := range list[min(start, end):end] {
		items = append(items, d.export(a.cfg.HumanCounts))
	}
	if start >= len(list) {
		next = ""
	}
	return found(map[string]any{"messages": items, "next": next})
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
		"broadcast_id": id(d.BroadcastID), "action_id": id(d.ActionID), "content_id": id(d.ContentID),
		"transactional_message_id": id(d.TransactionalMessageID),
	} {
		if want := filter(name); want != "" && want != value {
			return false
		}
	}
	if metric := filter("metric"); metric != "" {
		return d.moment(metric) != nil
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
	for _, m := range d.metrics {
		switch {
		case m.name == string(webhook.Attempted): // a filter, but no field of a delivery
		case humanCounts && strings.Contains(m.name, "_"):
			metrics[m.name] = m.count
		default:
			metrics[m.name] = m.at
		}
	}
	return map[string]any{
		"id": d.DeliveryID, "type": typeOf(d.Event), "created": d.created, "forgotten": d.erased,
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

// DeliveryIDs returns the ids of all deliveries, sorted.
func (a *App) DeliveryIDs() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Sorted(maps.Keys(a.byID))
}
