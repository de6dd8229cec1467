package webhooktest

import (
	"time"

	"github.com/cioevents/cioevents/pkg/webhook"
)

// A Message identifies a message of a source: what one row of a report counts. Its
// deliveries go to different people.
type Message struct {
	ObjectType webhook.ObjectType
	Source     string // campaign, broadcast, newsletter or transactional
	// SourceID is the campaign_id, broadcast_id, newsletter_id or
	// transactional_message_id, which may be a name.
	SourceID  string
	ActionID  int64 // of a campaign or a broadcast, else 0
	ContentID int64 // of a newsletter's variant, else 0
}

// A Name is the name of a source, or of a message of a source, as people choose it at
// Customer.io. A source has no ObjectType, ActionID and ContentID.
type Name struct {
	Message
	Name string
}

// Names returns the names of all sources of a Mix, each source before its messages.
func Names() []Name {
	var list []Name
	last := -1
	for _, m := range messages() {
		if m.source != last {
			last = m.source
			list = append(list, Name{Message{Source: m.Source, SourceID: m.SourceID}, catalogue[last].name})
		}
		if m.name != "" {
			list = append(list, Name{m.Message, m.name})
		}
	}
	return list
}

// A message is a Message with its part in a simulation.
type message struct {
	Message
	parent      int64 // the action of an A/B test, or 0
	name        string
	subject     string
	share       int     // of 100 deliveries
	appeal      float64 // factor of opens and clicks
	urge        float64 // factor of clicks
	promotional bool
	triggered   bool // by an event of the person
	source      int  // index in the catalogue
	burst       time.Duration
}

// A source sends messages.
type source struct {
	kind, id, name string
	// burst is the time after the start at which all messages are sent within an hour.
	// 0 spreads the messages over the whole time.
	burst    time.Duration
	messages []message
}

// catalogue has all sources of a mix. Sources of different kinds share ids.
var catalogue = []source{
	{"campaign", "1", "Welcome", 0, []message{
		action(webhook.Email, 11, 8, 1.5, "Hello", "Welcome on board"),
		split(10, action(webhook.Email, 12, 4, 1.0, "First steps, A", "Three steps to begin")),
		split(10, action(webhook.Email, 13, 4, 1.3, "First steps, B", "Your first five minutes")),
		action(webhook.Push, 14, 4, 1.0, "Complete your profile", ""),
	}},
	{"campaign", "2", "Trial reminder", 0, []message{
		action(webhook.Email, 21, 6, 1.2, "Three days left", "Your trial ends in three days"),
		action(webhook.SMS, 22, 4, 1.0, "Last day", ""),
		action(webhook.InApp, 23, 4, 1.0, "Choose a plan", ""),
	}},
	{"campaign", "3", "Win back", 0, []message{
		action(webhook.Email, 31, 6, 0.6, "We miss you", "It has been a while"),
	}},
	{"newsletter", "1", "Monthly news", 30 * time.Hour, []message{
		content(101, 11, 1.0, "A", "What is new this month – and what comes next"),
		content(102, 11, 1.2, "B", "Five things that became easier"),
	}},
	{"newsletter", "2", "Product update", 100 * time.Hour, []message{
		content(201, 20, 0.9, "Default", "Dark mode is here"),
	}},
	{"broadcast", "1", "Flash sale", 54 * time.Hour, []message{
		action(webhook.Email, 41, 6, 1.1, "Only today", "Only today: 30 % off"),
		action(webhook.Push, 42, 2, 1.2, "Only today", ""),
	}},
	{"transactional", "1", "Receipt", 0, []message{transactional(4, 1.6, 1, "Your receipt")}},
	{"transactional", "order_confirmation", "Order confirmation", 0, []message{transactional(4, 1.9, 2, "We have your order")}},
	{"transactional", "password_reset", "Password reset", 0, []message{transactional(2, 2.0, 15, "Reset your password")}},
}

func action(t webhook.ObjectType, id int64, share int, appeal float64, name, subject string) message {
	return message{Message: Message{ObjectType: t, ActionID: id}, name: name, subject: subject, share: share, appeal: appeal, urge: 1, promotional: true}
}

// split makes the message of an action one of two that share the people.
func split(parent int64, m message) message {
	m.parent = parent
	return m
}

func content(id int64, share int, appeal float64, name, subject string) message {
	m := action(webhook.Email, 0, share, appeal, name, subject)
	m.ContentID = id
	return m
}

func transactional(share int, appeal, urge float64, subject string) message {
	m := action(webhook.Email, 0, share, appeal, "", subject)
	m.urge, m.promotional = urge, false
	return m
}

// messages returns the messages of all sources.
func messages() []message {
	var list []message
	for i, s := range catalogue {
		for _, m := range s.messages {
			m.Source, m.SourceID, m.source, m.burst = s.kind, s.id, i, s.burst
			m.triggered = s.kind == "campaign"
			list = append(list, m)
		}
	}
	return list
}
