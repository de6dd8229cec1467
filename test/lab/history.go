// Package lab makes up what happens to many people, and says what their
// profiles must be like when all of it has been worked off: by a model of its own,
// which knows nothing of the product's rules.
package lab

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/cioevents/cioevents/internal/customerio/customeriotest"
	"github.com/cioevents/cioevents/internal/event"
)

// A HistoryConfig says how much happens.
type HistoryConfig struct {
	// Seed makes the same history each time.
	Seed uint64
	// People are known from the start.
	People int
	// Opens counts opens and clicks, Others bounces, complaints, unsubscribes and
	// subscribes.
	Opens, Others int
	// End is the time of the last event; the others come before it, a second apart.
	End time.Time
	// Workspace is that of the messages.
	Workspace string
}

// A History is events in the order of their arrival, which is not that of their
// times. Some arrive twice, with an id for the stream that is new.
type History struct {
	cfg      HistoryConfig
	arrivals []occurrence
}

// An occurrence is one arrival of an event.
type occurrence struct {
	event  int // its number
	again  bool
	person int
	what   string // metric, with a word to tell kinds of it apart
	at     int64
	way    int // by which of the person's identifiers
}

// One arrival in repeats is of an event that has arrived before.
const repeats = 20

// Kinds of what happens. A word that is there twice is twice as likely.
var (
	openKinds  = []string{"opened", "opened", "opened", "opened", "clicked", "opened machine", "clicked machine"}
	otherKinds = []string{
		"bounced hard", "bounced soft", "bounced unclear", "spammed", "unsubscribed", "unsubscribed customer", "unsubscribed sms",
		"subscribed", "subscribed", "delivered", "bounced push",
	}
)

// NewHistory makes a history up.
func NewHistory(cfg HistoryConfig) *History {
	r := rand.New(rand.NewPCG(cfg.Seed, 0))
	h := &History{cfg: cfg}
	n := cfg.Opens + cfg.Others
	for i, at := range r.Perm(n) {
		kinds := openKinds
		if i >= cfg.Opens {
			kinds = otherKinds
		}
		o := occurrence{
			event: i, person: i % cfg.People, what: kinds[r.IntN(len(kinds))],
			at: cfg.End.Unix() - int64(at), way: r.IntN(4),
		}
		if i >= cfg.Opens {
			o.person = r.IntN(cfg.People)
		}
		h.arrivals = append(h.arrivals, o)
		if r.IntN(repeats) == 0 {
			o.again = true
			h.arrivals = append(h.arrivals, o)
		}
	}
	r.Shuffle(len(h.arrivals), func(i, j int) { h.arrivals[i], h.arrivals[j] = h.arrivals[j], h.arrivals[i] })
	return h
}

// People are the profiles before anything happens.
func (h *History) People() []customeriotest.Profile {
	people := make([]customeriotest.Profile, h.cfg.People)
	for i := range people {
		people[i] = customeriotest.Profile{CioID: cioID(i), ID: id(i), Email: email(i)}
	}
	return people
}

func cioID(person int) string { return fmt.Sprintf("c%08x", person) }
func id(person int) string    { return fmt.Sprint("person-", person) }
func email(person int) string { return fmt.Sprintf("person-%d@example.com", person) }

// Len is the number of arrivals.
func (h *History) Len() int { return len(h.arrivals) }

// Message is arrival i.
func (h *History) Message(i int) event.Message {
	o := &h.arrivals[i]
	objectType, metric, data := o.words()
	id := fmt.Sprintf("h%d-%d", h.cfg.Seed, o.event)
	m := event.Message{
		Workspace: h.cfg.Workspace, ID: id, ObjectType: objectType, Metric: metric, ReceivedAt: time.Now(),
		Body: fmt.Appendf(nil, `{"event_id":%q,"object_type":%q,"metric":%q,"timestamp":%d,"data":{"delivery_id":%q,%s%s}}`,
			id, objectType, metric, o.at, o.delivery(), data, o.identifiers()),
	}
	if o.again {
		m.ID += "-again"
	}
	return m
}

func (o *occurrence) delivery() string { return "d" + strconv.Itoa(o.event) }

// words are what the event's body says of its kind.
func (o *occurrence) words() (objectType, metric, data string) {
	switch o.what {
	case "opened machine":
		return "email", "opened", `"prefetched":true,`
	case "clicked machine":
		return "email", "clicked", `"machine":true,`
	case "bounced hard":
		return "email", "bounced", `"failure_message":"550 5.1.1 no such user",`
	case "bounced soft":
		return "email", "bounced", `"failure_message":"452 4.2.2 mailbox full",`
	case "bounced unclear":
		return "email", "bounced", `"failure_message":"it did not work",`
	case "bounced push":
		return "push", "bounced", ""
	case "unsubscribed customer":
		return "customer", "unsubscribed", ""
	case "unsubscribed sms":
		return "sms", "unsubscribed", ""
	default:
		return "email", o.what, ""
	}
}

// identifiers name the person in one of the ways that an event can.
func (o *occurrence) identifiers() string {
	switch o.way {
	case 0:
		return fmt.Sprintf(`"identifiers":{"id":%q}`, id(o.person))
	case 1:
		return fmt.Sprintf(`"customer_id":%q`, id(o.person))
	default:
		return fmt.Sprintf(`"identifiers":{"id":%q,"email":%q,"cio_id":%q}`, id(o.person), email(o.person), cioID(o.person))
	}
}
