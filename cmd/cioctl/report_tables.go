package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/cioevents/cioevents/internal/report"
	"github.com/cioevents/cioevents/internal/terminal"
)

// reportTables prints each part of a report under a heading, and no part without a row.
func reportTables(w io.Writer, r *report.Report) {
	if advice := r.Advice(); advice != "" {
		_, _ = fmt.Fprintf(w, "\n%s\n", advice) // into a buffer
		return
	}
	summaryTable(w, r)
	heading(w, "health", "of the e-mails, by the measures of mailbox providers")
	healthTable(w, r.Health)
	messageTable(w, r)
	dayTable(w, r)
	mailboxTable(w, r)
	bounceTable(w, r)
	timeTable(w, r)
	linkTable(w, r)
	latencyTable(w, r)
}

func linkTable(w io.Writer, r *report.Report) {
	if len(r.Links) == 0 {
		return
	}
	heading(w, "links", "")
	row(w, "clicks", "deliveries", "people", "workspace", "message", "link")
	for _, l := range r.Links {
		row(w, l.Clicks, l.Deliveries, l.People, l.Workspace, l.Title(), l.URL)
	}
}

// hours is the number of hours in the text. The page plots all, JSON has all.
const hours = 24

func latencyTable(w io.Writer, r *report.Report) {
	if len(r.Latency) == 0 {
		return
	}
	heading(w, "latency", "from an event to its arrival, by the hour of the arrival (UTC), the last "+strconv.Itoa(hours)+" hours with events")
	row(w, "hour", "events", "p50", "p90", "p99")
	for _, h := range r.Latency[max(0, len(r.Latency)-hours):] {
		row(w, h.Hour, h.Events, milliseconds(h.P50), milliseconds(h.P90), milliseconds(h.P99))
	}
}

func milliseconds(n *float64) string {
	if n == nil {
		return "–"
	}
	return report.Duration(*n / 1000)
}

func heading(w io.Writer, text, note string) { // into a buffer
	_, _ = fmt.Fprintf(w, "\n%s\n", strings.TrimSpace(strings.ToUpper(text)+"  "+note))
}

func summaryTable(w io.Writer, r *report.Report) {
	for i := range r.Channels {
		c := &r.Channels[i]
		heading(w, c.ObjectType, "workspace "+terminal.Cell(c.Workspace, cellWidth)+", deliveries sent "+span(r))
		for _, s := range c.Stages() {
			row(w, s.Name, s.Count, report.Percent(s.Rate())+" "+s.OfWhat)
		}
	}
}

func span(r *report.Report) string {
	text := "on any day"
	switch {
	case r.Since != "" && r.Until != "":
		text = "from " + r.Since + " to " + r.Until
	case r.Since != "":
		text = "from " + r.Since
	case r.Until != "":
		text = "until " + r.Until
	}
	return text + ", " + r.Timezone
}

func messageTable(w io.Writer, r *report.Report) {
	heading(w, "messages", "opened, clicked, unsubscribed of delivered; hard bounced of sent; complained of delivered outside Gmail")
	row(w, "workspace", "type", "message", "sent", "delivered", "opened", "clicked", "clicked of opened", "converted", "hard bounced", "complained", "unsubscribed")
	for i := range r.Messages[:min(len(r.Messages), report.Rows)] {
		m := &r.Messages[i]
		rates := make([]string, 0, 7)
		for _, rate := range []*float64{m.Rates.Delivery, m.Rates.Open, m.Rates.Click, m.Rates.ClickToOpen, m.Rates.Bounce, m.Rates.Complaint, m.Rates.Unsubscribe} {
			rates = append(rates, report.Percent(rate))
		}
		row(w, m.Workspace, m.ObjectType, m.Title(), m.Sent, rates[0], rates[1], rates[2], rates[3], m.Conversions, rates[4], rates[5], rates[6])
	}
}

func dayTable(w io.Writer, r *report.Report) {
	heading(w, "days", "by the day of sending, "+r.Timezone)
	row(w, "day", "sent", "delivered", "opened", "clicked", "converted", "hard bounced", "complained", "unsubscribed")
	for i := range r.Days {
		d := &r.Days[i]
		row(w, d.Day, d.Sent, d.Delivered, d.Opens, d.Clicks, d.Conversions, d.HardBounces, d.Complaints, d.Unsubscribes)
	}
}

func mailboxTable(w io.Writer, r *report.Report) {
	if len(r.Mailbox) == 0 {
		return
	}
	heading(w, "mailbox providers", "e-mails; opened of delivered; complained of delivered")
	row(w, "provider", "sent", "delivered", "opened", "hard", "soft", "unknown", "hard of sent", "complained")
	for i := range r.Mailbox {
		m := &r.Mailbox[i]
		row(w, m.Provider, m.Sent, report.Percent(m.Rates.Delivery), report.Percent(m.Rates.Open), m.HardBounces, m.SoftBounces, m.UnknownBounces,
			report.Percent(m.Rates.Bounce), report.Percent(m.Rates.Complaint))
	}
}

func bounceTable(w io.Writer, r *report.Report) {
	if len(r.Bounces) == 0 {
		return
	}
	heading(w, "bounces", "not delivered later")
	row(w, "deliveries", "class", "provider", "reason")
	for _, b := range r.Bounces {
		row(w, b.Count, b.Class, b.Provider, b.Reason)
	}
}

func timeTable(w io.Writer, r *report.Report) {
	heading(w, "times", "p50, p90, p99 from the arrival to the first open, and from sent to delivered")
	row(w, "workspace", "type", "message", "to open", "to deliver")
	for i := range r.Channels {
		row(w, r.Channels[i].Workspace, r.Channels[i].ObjectType, "all", quantiles(r.Channels[i].ToOpen), quantiles(r.Channels[i].ToDeliver))
	}
	for i := range r.Messages[:min(len(r.Messages), report.Rows)] {
		m := &r.Messages[i]
		row(w, m.Workspace, m.ObjectType, m.Title(), quantiles(m.ToOpen), quantiles(m.ToDeliver))
	}
}

func quantiles(t *report.Times) string {
	if t == nil {
		return "–"
	}
	return strings.Join([]string{report.Duration(t.P50), report.Duration(t.P90), report.Duration(t.P99)}, ", ")
}
