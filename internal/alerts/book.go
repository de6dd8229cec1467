package alerts

import (
	"cmp"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// bookKey is the key of the book in the workers' bucket.
const bookKey = "alerts"

// A book is what the workers remember about alerts, in one key that is only changed by
// compare-and-set.
type book struct {
	// Holder is the worker that keeps the book and sends alerts, "" for none. At is the time
	// of the holder's last look, so each look changes the key.
	Holder string    `json:"holder"`
	At     time.Time `json:"at"`
	// Alerts has the alerts by the key of their condition.
	Alerts map[string]*alert `json:"alerts"`
	// Dead counts the dead letters at the last look, by subject.
	Dead map[string]uint64 `json:"dead"`
	// Failures counts the attempts since the receiver has last accepted an alert, and Retry
	// is the time of the next attempt.
	Failures int       `json:"failures"`
	Retry    time.Time `json:"retry,omitzero"`
}

// An alert is a condition that lasts, or whose end is not sent yet.
type alert struct {
	Topic   Topic  `json:"topic"`
	Subject string `json:"subject"`
	// ID names the alert for the receiver; random.
	ID   string `json:"id"`
	Text string `json:"text"`
	// Since is the time of the first look with the condition.
	Since time.Time `json:"since"`
	// Begun is the time of the onset, zero during the grace of the topic.
	Begun time.Time `json:"begun,omitzero"`
	// Calm is the time from which the condition was over, zero while the condition lasts.
	Calm time.Time `json:"calm,omitzero"`
	// Ended is the time of the end, zero before.
	Ended time.Time `json:"ended,omitzero"`
	// Told is set when the receiver has accepted the onset.
	Told bool `json:"told"`
}

func parseBook(value []byte) (*book, error) {
	b := &book{}
	if err := json.Unmarshal(value, b); err != nil {
		return nil, fmt.Errorf("read alerts: %w", err)
	}
	if b.Alerts == nil {
		b.Alerts = map[string]*alert{}
	}
	return b, nil
}

func (b *book) json() []byte {
	text, _ := json.Marshal(b) //nolint:errchkjson // Times of this century, texts and numbers.
	return text
}

// update writes the facts into the book: which alerts begin, go on and end.
func (b *book) update(f *facts, quiet time.Duration) {
	conditions := f.conditions(quiet, b.Dead)
	known := map[string]bool{}
	for i := range conditions {
		c := &conditions[i]
		known[c.key()] = true
		b.apply(c, f.now)
	}
	for key, a := range b.Alerts {
		if !known[key] && topics[a.Topic].vanishes {
			b.apply(&condition{topic: a.Topic, subject: a.Subject}, f.now)
		}
	}
	b.Dead = map[string]uint64{}
	for _, d := range f.dead {
		b.Dead[deadSubject(d)] = d.Count
	}
}

func (b *book) apply(c *condition, now time.Time) {
	a := b.Alerts[c.key()]
	switch {
	case c.on && a == nil:
		a = &alert{Topic: c.topic, Subject: c.subject, ID: strings.ToLower(rand.Text()), Since: now}
		b.Alerts[c.key()] = a
		a.begin(c, now)
	case c.on:
		a.Calm, a.Ended = time.Time{}, time.Time{}
		a.begin(c, now)
	case a == nil:
	case a.Begun.IsZero():
		delete(b.Alerts, c.key())
	default:
		a.end(now)
	}
}

func (a *alert) begin(c *condition, now time.Time) {
	if a.Begun.IsZero() && now.Sub(a.Since) >= topics[c.topic].grace {
		a.Begun, a.Text = now, c.text
	}
}

func (a *alert) end(now time.Time) {
	if a.Calm.IsZero() {
		a.Calm = now
	}
	if a.Ended.IsZero() && now.Sub(a.Calm) >= topics[a.Topic].calm {
		a.Ended = now
	}
}

// A message is the onset or the end of an alert.
type message struct {
	// ID is that of the alert, and equal in each attempt.
	ID      string
	Topic   Topic
	Subject string
	Over    bool
	Text    string
	// Begun is the time of the onset, and At the time of this message's event.
	Begun, At time.Time
}

// due returns the messages that are not sent yet, the oldest first. The end of an alert
// comes after its onset has been accepted.
func (b *book) due() (list []message) {
	for _, a := range b.Alerts {
		m := message{ID: a.ID + "-onset", Topic: a.Topic, Subject: a.Subject, Text: a.Text, Begun: a.Begun, At: a.Begun}
		switch {
		case a.Begun.IsZero(), a.Told && a.Ended.IsZero():
			continue
		case a.Told:
			m.ID, m.Over, m.Text, m.At = a.ID+"-end", true, overText(a.Topic, a.Subject), a.Ended
		}
		list = append(list, m)
	}
	slices.SortFunc(list, func(x, y message) int { return cmp.Or(x.At.Compare(y.At), cmp.Compare(x.ID, y.ID)) })
	return list
}

// sent notes that the receiver has accepted the message.
func (b *book) sent(m *message) {
	b.Failures, b.Retry = 0, time.Time{}
	maps.DeleteFunc(b.Alerts, func(_ string, a *alert) bool { return m.Over && m.ID == a.ID+"-end" })
	for _, a := range b.Alerts {
		if m.ID == a.ID+"-onset" {
			a.Told = true
		}
	}
}

// The wait after a failed attempt doubles from firstRetry to lastRetry.
const (
	firstRetry = 15 * time.Second
	lastRetry  = 10 * time.Minute
)

// failed notes a failed attempt. All alerts wait: they have the same receiver.
func (b *book) failed(now time.Time) {
	wait := min(firstRetry<<min(b.Failures, 10), lastRetry)
	b.Failures++
	b.Retry = now.Add(wait)
}
