package report

import (
	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/pkg/webhook"
)

// Counts are numbers of deliveries, by the definitions of the data dictionary.
type Counts struct {
	Deliveries     int64 `json:"deliveries"`
	Sent           int64 `json:"sent"`
	Delivered      int64 `json:"delivered"`
	HardBounces    int64 `json:"hard_bounces"`
	SoftBounces    int64 `json:"soft_bounces"`
	UnknownBounces int64 `json:"unknown_bounces"`
	Failed         int64 `json:"failed"`
	Opens          int64 `json:"human_opens"`
	Clicks         int64 `json:"human_clicks"`
	Conversions    int64 `json:"conversions"`
	Unsubscribes   int64 `json:"unsubscribes"`
	Complaints     int64 `json:"complaints"`
	// ComplaintsOutside counts the complaints that OutsideGmail is the whole of.
	ComplaintsOutside int64 `json:"complaints_outside_gmail"`
	// OutsideGmail counts the delivered e-mails to other providers than Gmail, which
	// reports no complaints.
	OutsideGmail int64 `json:"delivered_outside_gmail"`
}

// A Total is the counts of messages of several object types. Rates are by object type, as
// the rates of several together would have opens of messages that no arrival is told of.
type Total struct {
	Counts
	Rates map[string]Rates `json:"rates"`
}

// Rates are fractions. nil has a denominator of 0, or means nothing for the object type.
type Rates struct {
	Delivery    *float64 `json:"delivery_rate"`
	Open        *float64 `json:"open_rate"`
	Click       *float64 `json:"click_rate"`
	ClickToOpen *float64 `json:"click_to_open_rate"`
	Bounce      *float64 `json:"bounce_rate"`
	Complaint   *float64 `json:"complaint_rate"`
	Unsubscribe *float64 `json:"unsubscribe_rate"`
}

func rate(part, of int64) *float64 {
	if of == 0 {
		return nil
	}
	return new(float64(part) / float64(of))
}

// rates returns the rates of messages of one object type.
func (c *Counts) rates(objectType string) Rates {
	r := Rates{
		Open: rate(c.Opens, c.Delivered), Click: rate(c.Clicks, c.Delivered), ClickToOpen: rate(c.Clicks, c.Opens),
		Complaint: rate(c.ComplaintsOutside, c.OutsideGmail), Unsubscribe: rate(c.Unsubscribes, c.Delivered),
	}
	if warehouse.ReportsArrival(objectType) {
		r.Delivery, r.Bounce = rate(c.Delivered, c.Sent), rate(c.HardBounces, c.Sent)
	}
	return r
}

func (c *Counts) add(d *group) {
	c.Deliveries += d.Deliveries
	c.Sent += d.Sent
	c.Opens += d.Opens
	c.Clicks += d.Clicks
	c.Conversions += d.Conversions
	c.Unsubscribes += d.Unsubscribes
	c.Complaints += d.Complaints
	outside := d.ObjectType == string(webhook.Email) && warehouse.ReportsComplaints(d.Provider)
	if outside {
		c.ComplaintsOutside += d.Complaints
	}
	switch d.Outcome {
	case "delivered":
		c.Delivered += d.Deliveries
		if outside {
			c.OutsideGmail += d.Deliveries
		}
	case "hard":
		c.HardBounces += d.Deliveries
	case "soft":
		c.SoftBounces += d.Deliveries
	case "unknown":
		c.UnknownBounces += d.Deliveries
	case "dropped", "failed", "undeliverable":
		c.Failed += d.Deliveries
	}
}
