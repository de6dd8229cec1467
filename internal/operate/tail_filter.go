package operate

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/pkg/webhook"
)

// Sources are the kinds of sources of a message, as in the column source of a warehouse.
var Sources = []string{"campaign", "broadcast", "newsletter", "transactional"}

// An EventFilter selects the events that match one value of each list that has values.
type EventFilter struct {
	Filter
	// People are identifiers of any kind: cio_id, id, e-mail address, phone number, or the
	// recipient of the message.
	People []string
	// Sources are what sent the message: "campaign" for any campaign, "campaign:4" for one.
	// The others are broadcast, newsletter and transactional.
	Sources []string
	// Deliveries are values of delivery_id.
	Deliveries []string
}

// selectsAll reports whether the filter selects all events.
func (f *EventFilter) selectsAll() bool {
	return len(f.subjects())+len(f.People)+len(f.Sources)+len(f.Deliveries) == 0
}

// subjects returns the subjects by which the server selects, so that no other body is
// sent: none for all messages.
func (f *EventFilter) subjects() []string {
	if len(f.Workspaces)+len(f.ObjectTypes)+len(f.Metrics) == 0 {
		return nil
	}
	return stream.Select(f.Workspaces, f.ObjectTypes, f.Metrics)
}

// Check returns InputErrors of empty values, which match no event, and of a source that
// no message has.
func (f *EventFilter) Check() error {
	var mistakes []error
	for field, values := range map[string][]string{
		"workspace": f.Workspaces, "object-type": f.ObjectTypes, "metric": f.Metrics, "person": f.People, "source": f.Sources, "delivery": f.Deliveries,
	} {
		if slices.Contains(values, "") {
			mistakes = append(mistakes, &InputError{field, errors.New("is empty")})
		}
	}
	for _, s := range f.Sources {
		if s != "" && !isSource(s) {
			mistakes = append(mistakes, &InputError{"source", fmt.Errorf("%q is not a source: want %s, alone or with an id as in campaign:4", s, Words(Sources))})
		}
	}
	return errors.Join(mistakes...)
}

// isSource reports whether a message may have the source. Only the id of a transactional
// message is a text.
func isSource(text string) bool {
	kind, id, hasID := strings.Cut(text, ":")
	if !slices.Contains(Sources, kind) || hasID && id == "" {
		return false
	}
	_, err := strconv.ParseUint(id, 10, 63)
	return !hasID || err == nil || kind == "transactional"
}

// matchMessage compares the words that a message has beside its body.
func (f *EventFilter) matchMessage(m *event.Message) bool {
	return anyOf(f.Workspaces, m.Workspace) && anyOf(f.ObjectTypes, m.ObjectType) && anyOf(f.Metrics, m.Metric)
}

// matchBody compares the person, the source and the delivery. A body that is no event
// matches only without all three.
func (f *EventFilter) matchBody(body []byte) bool {
	if len(f.People)+len(f.Sources)+len(f.Deliveries) == 0 {
		return true
	}
	e, err := webhook.Parse(body)
	return err == nil && f.matchPerson(e) && f.matchSource(SourceOf(e)) && anyOf(f.Deliveries, e.DeliveryID)
}

func (f *EventFilter) matchPerson(e *webhook.Event) bool {
	ids := []string{e.Identifiers.CioID, e.Identifiers.ID, e.CustomerID, e.Identifiers.Phone, e.Recipient}
	mails := []string{e.Identifiers.Email, e.EmailAddress, e.Recipient}
	return len(f.People) == 0 || slices.ContainsFunc(f.People, func(person string) bool {
		return slices.Contains(ids, person) || slices.ContainsFunc(mails, func(m string) bool { return webhook.SameMailbox(m, person) })
	})
}

func (f *EventFilter) matchSource(source string) bool {
	kind, _, _ := strings.Cut(source, ":")
	return anyOf(f.Sources, source) || anyOf(f.Sources, kind)
}

// SourceOf returns the source of a message as in EventFilter.Sources, "" without one.
func SourceOf(e *webhook.Event) string {
	r := warehouse.NewRow(e, warehouse.Origin{})
	return strings.Trim(r.Source+":"+r.SourceID, ":")
}

func anyOf(want []string, have string) bool { return len(want) == 0 || slices.Contains(want, have) }
