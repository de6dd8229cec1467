package console

import (
	"cmp"
	"math"
	"time"

	"github.com/cioevents/cioevents/internal/report"
)

// Tables returns all tables of the report. Each is a CSV file, too.
func (r *messagesReport) Tables() []table {
	return []table{r.funnel(), r.list(), r.days(), r.health(), r.measures(), r.bounces(), r.providers(), r.links(), r.times()}
}

// Sections returns the tables that a page shows below the funnel, without empty ones.
func (r *messagesReport) Sections() (list []table) {
	for _, t := range r.Tables()[1:] {
		if len(t.Rows) > 0 {
			list = append(list, t)
		}
	}
	return list
}

func (r *messagesReport) funnel() table {
	t := table{
		Name: "funnel", Title: "Funnel",
		Columns: []column{text("object_type", "Type"), text("workspace", "Workspace"), text("stage", "Stage"), number("deliveries", "Deliveries"), number("of", "Of"), number("rate", "Rate"), text("of_what", "Of what")},
	}
	for _, c := range r.Channels {
		for _, s := range c.Stages() {
			t.Rows = append(t.Rows, []any{c.ObjectType, c.Workspace, s.Name, s.Count, s.Of, s.Rate(), s.OfWhat})
		}
	}
	return t
}

func (r *messagesReport) list() table {
	t := table{
		Name: "messages", Title: "Messages", About: "A delivery counts on the day on which it was sent. Opens and clicks are a person's, not a machine's; a click counts as an open too.",
		Columns: []column{
			text("message", "Message"), text("object_type", "Type"), text("workspace", "Workspace"), number("sent", "Sent"), number("delivery_rate", "Delivered of sent"),
			number("open_rate", "Opened of delivered"), number("click_rate", "Clicked of delivered"), number("click_to_open_rate", "Clicked of opened"), number("conversions", "Converted"),
			number("bounce_rate", "Hard bounces of sent"), number("complaint_rate", "Complaints of delivered outside Gmail"), number("unsubscribe_rate", "Unsubscribed of delivered"),
		},
	}
	for i := range r.Messages {
		m := &r.Messages[i]
		t.Rows = append(t.Rows, []any{
			r.campaign(m.Key, m.Title()), m.ObjectType, m.Workspace, m.Sent, m.Rates.Delivery, m.Rates.Open, m.Rates.Click, m.Rates.ClickToOpen, m.Conversions,
			m.Rates.Bounce, m.Rates.Complaint, m.Rates.Unsubscribe,
		})
	}
	return t
}

// campaign returns the title of a message, which leads to the page of its campaign alone.
func (r *messagesReport) campaign(k report.Key, title string) any {
	if k.Source != "campaign" || r.Form.Campaign != "" {
		return title
	}
	f := r.Form
	f.Campaign = k.SourceID
	return link{title, f.Link("/messages")}
}

func (r *messagesReport) days() table {
	t := table{
		Name: "days", Title: "Days", About: "By the day of sending, in " + r.Timezone + ".",
		Columns: []column{
			text("day", "Day"), number("sent", "Sent"), number("delivered", "Delivered"), number("human_opens", "Opened"), number("human_clicks", "Clicked"), number("conversions", "Converted"),
			number("hard_bounces", "Hard bounced"), number("complaints", "Complained"), number("unsubscribes", "Unsubscribed"),
		},
	}
	for i := len(r.Days) - 1; i >= 0; i-- { // the newest first
		d := &r.Days[i]
		t.Rows = append(t.Rows, []any{d.Day, d.Sent, d.Delivered, d.Opens, d.Clicks, d.Conversions, d.HardBounces, d.Complaints, d.Unsubscribes})
	}
	return t
}

func (r *messagesReport) health() table {
	t := table{
		Name: "health", Title: "Health of the e-mails", About: "By the measures of mailbox providers, for each message at each provider.",
		Columns: []column{
			text("status", "Status"), text("measure", "Measure"), text("warn", "Warning from"), text("bad", "Bad from"), text("judged_from", "Judged from e-mails"),
			number("bad_count", "Bad"), number("warn_count", "Warnings"), number("ok_count", "OK"), number("few_count", "Too few"),
		},
	}
	for i := range r.Health.Kinds {
		k := &r.Health.Kinds[i]
		limits := k.Limits()
		t.Rows = append(t.Rows, []any{k.Status, k.Title(), limits[0], limits[1], limits[2], int64(k.BadCount), int64(k.WarnCount), int64(k.OKCount), int64(k.FewCount)})
	}
	return t
}

func (r *messagesReport) measures() table {
	t := table{
		Name: "health-measures", Title: "What is bad or a warning",
		Columns: []column{
			text("status", "Status"), text("measure", "Measure"), text("message", "Message"), text("mailbox_provider", "Provider"), text("workspace", "Workspace"),
			number("count", "Number"), text("of", "Of"), text("rate", "Rate"),
		},
	}
	faults := r.Health.Faults()
	for i := range faults {
		m := &faults[i]
		t.Rows = append(t.Rows, []any{m.Status, m.Title(), cmp.Or(m.Message, "all messages"), m.Provider, m.Workspace, m.Count, m.Whole(), m.Share()})
	}
	return t
}

func (r *messagesReport) bounces() table {
	t := table{
		Name: "bounces", Title: "Why messages bounced", About: "Deliveries that bounced and were not delivered later, by class and provider. Addresses are left out of the reasons.",
		Columns: []column{number("deliveries", "Deliveries"), text("class", "Class"), text("mailbox_provider", "Provider"), text("reason", "Reason")},
	}
	for _, b := range r.Bounces {
		t.Rows = append(t.Rows, []any{b.Count, b.Class, b.Provider, cmp.Or(b.Reason, "not said")})
	}
	return t
}

func (r *messagesReport) providers() table {
	t := table{
		Name: "providers", Title: "Mailbox providers", About: "E-mails only. Gmail reports no complaints to Customer.io: see Google's Postmaster Tools.",
		Columns: []column{
			text("mailbox_provider", "Provider"), number("sent", "Sent"), number("delivery_rate", "Delivered of sent"), number("open_rate", "Opened of delivered"), number("hard_bounces", "Hard bounces"),
			number("soft_bounces", "Soft bounces"), number("unknown_bounces", "Unknown bounces"), number("bounce_rate", "Hard bounces of sent"), number("complaint_rate", "Complaints of delivered"),
		},
	}
	for i := range r.Mailbox {
		m := &r.Mailbox[i]
		t.Rows = append(t.Rows, []any{m.Provider, m.Sent, m.Rates.Delivery, m.Rates.Open, m.HardBounces, m.SoftBounces, m.UnknownBounces, m.Rates.Bounce, m.Rates.Complaint})
	}
	return t
}

func (r *messagesReport) links() table {
	t := table{
		Name: "links", Title: "Links", About: "Clicks of people on the day of the click. Addresses and queries are left out of the links.",
		Columns: []column{number("human_clicks", "Clicks"), number("clicked_deliveries", "Deliveries"), number("people", "People"), text("message", "Message"), text("workspace", "Workspace"), text("url", "Link")},
	}
	for i := range r.Links {
		l := &r.Links[i]
		t.Rows = append(t.Rows, []any{l.Clicks, l.Deliveries, l.People, r.campaign(l.Key, l.Title()), l.Workspace, l.URL})
	}
	return t
}

func (r *messagesReport) times() table {
	t := table{
		Name: "times", Title: "Time to open and to deliver", About: "Half of the deliveries took up to the median, 90 % up to p90. Time to open is from the arrival to a person's first open, time to deliver from sent to delivered.",
		Columns: []column{
			text("message", "Message"), text("object_type", "Type"), text("workspace", "Workspace"), number("opened", "Opened"), number("open_p50", "Median"), number("open_p90", "p90"), number("open_p99", "p99"),
			number("delivered", "Delivered"), number("deliver_p50", "Median"), number("deliver_p90", "p90"), number("deliver_p99", "p99"),
		},
	}
	for i := range r.Messages {
		m := &r.Messages[i]
		if m.ToOpen != nil || m.ToDeliver != nil {
			row := []any{r.campaign(m.Key, m.Title()), m.ObjectType, m.Workspace}
			t.Rows = append(t.Rows, append(append(row, quantiles(m.ToOpen)...), quantiles(m.ToDeliver)...))
		}
	}
	return t
}

func quantiles(t *report.Times) []any {
	if t == nil {
		return []any{nil, nil, nil, nil}
	}
	return []any{t.Count, seconds(t.P50), seconds(t.P90), seconds(t.P99)}
}

// Deliveries returns the plot of the numbers by day.
func (r *messagesReport) Deliveries() string {
	value := func(n int64) *float64 { return new(float64(n)) }
	return r.plot(false, []string{"sent", "delivered", "opened", "clicked", "hard bounced"}, func(d *report.Day) []*float64 {
		return []*float64{value(d.Sent), value(d.Delivered), value(d.Opens), value(d.Clicks), value(d.HardBounces)}
	})
}

// RatesOf returns the object type of the plot of rates: the one with the most messages sent.
func (r *messagesReport) RatesOf() string {
	if len(r.Channels) == 0 {
		return ""
	}
	return r.Channels[0].ObjectType
}

// Rates returns the plot of the rates by day, in percent.
func (r *messagesReport) Rates() string {
	percent := func(rate *float64) *float64 {
		if rate == nil {
			return nil
		}
		return new(math.Round(10_000**rate) / 100)
	}
	return r.plot(true, []string{"opened % of delivered", "clicked % of delivered", "hard bounces % of sent"}, func(d *report.Day) []*float64 {
		of := d.Rates[r.RatesOf()]
		return []*float64{percent(of.Open), percent(of.Click), percent(of.Bounce)}
	})
}

// plot returns the values of all days from the first to the last day with deliveries.
func (r *messagesReport) plot(fractions bool, names []string, values func(*report.Day) []*float64) string {
	p := plot[*float64]{X: []int64{}, Days: true, Fractions: fractions}
	for _, name := range names {
		p.Curves = append(p.Curves, curve[*float64]{name, []*float64{}})
	}
	add := func(at time.Time, values []*float64) {
		p.X = append(p.X, at.Unix())
		for i := range p.Curves {
			p.Curves[i].Y = append(p.Curves[i].Y, values[i])
		}
	}
	var next time.Time
	for i := range r.Days {
		at, err := time.Parse(time.DateOnly, r.Days[i].Day)
		if err != nil {
			continue
		}
		for ; !next.IsZero() && next.Before(at); next = next.AddDate(0, 0, 1) {
			add(next, make([]*float64, len(names)))
		}
		add(at, values(&r.Days[i]))
		next = at.AddDate(0, 0, 1)
	}
	return p.text()
}
