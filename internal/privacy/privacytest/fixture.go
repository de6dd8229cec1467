package privacytest

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cioevents/cioevents/internal/privacy"
	"github.com/cioevents/cioevents/pkg/webhook"
)

// The workspaces of the fixture. The persons of Other have the identifiers of the persons
// of Workspace.
const (
	Workspace = "acme"
	Other     = "other"
)

// An Event is one event of the fixture.
type Event struct {
	Workspace, ID string
	Metric        webhook.Metric
	// At is the time of the event and of its arrival.
	At   time.Time
	Body []byte
}

// begin is the time of the fixture's first event. Each later event is a second younger.
var begin = time.Date(2026, time.March, 1, 10, 0, 0, 0, time.UTC)

// person returns the person with a number. Each person has an identifier of each kind.
func person(workspace string, n int) privacy.Person {
	p := privacy.Person{Workspace: workspace}
	for _, k := range privacy.Kinds() {
		id, err := privacy.ParseIdentifier(k, identifiers(n)[k])
		if err != nil {
			panic(err) // a fault of this file
		}
		p.Identifiers = append(p.Identifiers, id)
	}
	return p
}

func identifiers(n int) map[privacy.Kind]string {
	return map[privacy.Kind]string{
		privacy.ID:    fmt.Sprintf("customer-%04d", n),
		privacy.Email: fmt.Sprintf("person-%04d@mail.example", n),
		privacy.CioID: fmt.Sprintf("c10a%08d", n),
		privacy.Phone: fmt.Sprintf("+1555010%04d", n),
	}
}

// shared is an address of two persons.
const shared = "family@mail.example"

// bodies are the kinds of events of a person. %[1]s is the event_id, %[2]d the time, and
// ID, EMAIL, CIO and PHONE stand for the person's identifiers, UPPER for the address in
// upper case and ESCAPED for the address with an escape.
var bodies = []struct {
	metric webhook.Metric
	text   string
}{
	{webhook.Sent, `{"event_id":"%[1]s","object_type":"email","metric":"sent","timestamp":%[2]d,"data":{"customer_id":"ID","identifiers":{"id":"ID","email":"EMAIL","cio_id":"CIO"},"delivery_id":"D%[1]s","recipient":"EMAIL","subject":"Hello ID","campaign_id":7,"action_id":8,"content":"<p>Dear ID</p>"}}`},
	{webhook.Clicked, `{"event_id":"%[1]s","object_type":"email","metric":"clicked","timestamp":%[2]d,"data":{"identifiers":{"id":"ID"},"delivery_id":"D%[1]s","recipient":"EMAIL","href":"https://shop.example/?who=EMAIL","link_id":3,"campaign_id":7,"action_id":8}}`},
	{webhook.Bounced, `{"event_id":"%[1]s","object_type":"email","metric":"bounced","timestamp":%[2]d,"data":{"identifiers":{"cio_id":"CIO"},"delivery_id":"D%[1]s","recipient":"EMAIL","failure_message":"550 5.1.1 <EMAIL>: no such user","campaign_id":7,"action_id":8}}`},
	{webhook.Opened, `{"event_id":"%[1]s","object_type":"email","metric":"opened","timestamp":%[2]d,"data":{"identifiers":{"email":"UPPER"},"delivery_id":"D%[1]s","recipient":"UPPER","campaign_id":7,"action_id":8}}`},
	{webhook.Delivered, `{"event_id":"%[1]s","object_type":"email","metric":"delivered","timestamp":%[2]d,"data":{"identifiers":{"email":"ESCAPED"},"delivery_id":"D%[1]s","recipient":"ESCAPED","campaign_id":7,"action_id":8}}`},
	{webhook.Sent, `{"event_id":"%[1]s","object_type":"sms","metric":"sent","timestamp":%[2]d,"data":{"identifiers":{"phone":"PHONE"},"delivery_id":"D%[1]s","recipient":"PHONE","broadcast_id":9}}`},
	// Events without an identifier of a person: the recipient decides.
	{webhook.Deferred, `{"event_id":"%[1]s","object_type":"email","metric":"deferred","timestamp":%[2]d,"data":{"delivery_id":"D%[1]s","recipient":"Some Name <UPPER>","campaign_id":7,"action_id":8}}`},
	{webhook.Failed, `{"event_id":"%[1]s","object_type":"sms","metric":"failed","timestamp":%[2]d,"data":{"delivery_id":"D%[1]s","recipient":"PHONE","failure_message":"PHONE is not reachable","broadcast_id":9}}`},
	{webhook.Unsubscribed, `{"event_id":"%[1]s","object_type":"customer","metric":"unsubscribed","timestamp":%[2]d,"data":{"email_address":"EMAIL"}}`},
}

// fixture returns the events of the persons 0 to n-1 of both workspaces, in turns, and the
// events about the shared address.
func fixture(n int) []Event {
	var events []Event
	add := func(workspace string, metric webhook.Metric, text string) {
		e := Event{workspace, fmt.Sprintf("event-%06d", len(events)), metric, begin.Add(time.Duration(len(events)) * time.Second), nil}
		e.Body = fmt.Appendf(nil, text, e.ID, e.At.Unix())
		events = append(events, e)
	}
	for _, b := range bodies {
		for i := range n {
			for _, w := range []string{Workspace, Other} {
				add(w, b.metric, fill(b.text, i))
			}
		}
	}
	for i := range 2 { // two persons with one address, and a message to it that names another
		email := identifiers(i)[privacy.Email]
		for _, b := range bodies[:2] {
			add(Workspace, b.metric, strings.ReplaceAll(fill(b.text, i), email, shared))
		}
	}
	for _, b := range []int{3, 6} { // the address alone, as the person's and as the recipient
		add(Workspace, bodies[b].metric, strings.ReplaceAll(bodies[b].text, "UPPER", shared))
	}
	return events
}

// fill replaces the words of a text with the identifiers of a person.
func fill(text string, n int) string {
	ids := identifiers(n)
	email := ids[privacy.Email]
	escaped := strings.ReplaceAll(strings.Replace(email, "@", `\u0040`, 1), "p", `\u0070`)
	return strings.NewReplacer("EMAIL", email, "UPPER", strings.ToUpper(email), "ESCAPED", escaped,
		"ID", ids[privacy.ID], "CIO", ids[privacy.CioID], "PHONE", ids[privacy.Phone]).Replace(text)
}

// split returns the events of a person, by Person.Matches, and the others.
func split(events []Event, persons ...privacy.Person) (theirs, others []Event, err error) {
	for _, e := range events {
		parsed, err := webhook.Parse(e.Body)
		if err != nil {
			return nil, nil, err
		}
		if slices.ContainsFunc(persons, func(p privacy.Person) bool { return p.Matches(e.Workspace, parsed) }) {
			theirs = append(theirs, e)
		} else {
			others = append(others, e)
		}
	}
	return theirs, others, nil
}
