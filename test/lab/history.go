// Package lab is the toolbox of the tests that run the whole system as processes:
// programs and NATS servers, stand-ins for Customer.io and BigQuery, publishing,
// waiting and scraping. A History simulates the events of many people, and a model
// without the product's rules predicts their profiles.
package lab

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cioevents/cioevents/internal/config"
	"github.com/cioevents/cioevents/internal/customerio/customeriotest"
	"github.com/cioevents/cioevents/internal/event"
)

// A HistoryConfig configures a History.
type HistoryConfig struct {
	// Seed decides the history: equal seeds give equal histories.
	Seed uint64
	// People is how many people exist at the start.
	People int
	// Opens is the number of opens and clicks, Others the number of bounces,
	// complaints, unsubscribes and subscribes.
	Opens, Others int
	// End is the time of the last event. The events are one second apart.
	End time.Time
	// OldToo leaves out the kinds of events that commit c826c92 judged otherwise, so
	// that workers of that version may handle the history, too.
	OldToo bool
}

// A History is a list of events in the order of arrival, which differs from the order
// of their times. Some events arrive twice, the second time with a new id for the
// stream.
type History struct {
	cfg      HistoryConfig
	arrivals []arrival
}

// An arrival is one arrival of an event.
type arrival struct {
	event  int  // number of the event
	again  bool // the second arrival
	person int
	what   string // the metric, and a word when the metric has several kinds
	at     int64  // Unix seconds
	way    int    // number of the form of identifiers
}

// repeats is how many events come with one second arrival.
const repeats = 20

// Kinds of events. A kind that is listed twice is twice as likely.
var (
	openKinds  = []string{"opened", "opened", "opened", "opened", "clicked", "opened machine", "clicked machine"}
	otherKinds = []string{
		"bounced hard", "bounced soft", "bounced unclear", "spammed", "unsubscribed", "unsubscribed customer", "unsubscribed sms",
		"subscribed", "subscribed", "delivered", "bounced push",
	}
	// newKinds have no effect, because the e-mail went to another address. Workers of
	// c826c92 blamed the person.
	newKinds = []string{"bounced elsewhere", "spammed elsewhere", "opened elsewhere"}
)

// NewHistory simulates a history.
func NewHistory(cfg HistoryConfig) *History {
	r := rand.New(rand.NewPCG(cfg.Seed, 0))
	h := &History{cfg: cfg}
	n := cfg.Opens + cfg.Others
	others := otherKinds
	if !cfg.OldToo {
		others = slices.Concat(otherKinds, newKinds)
	}
	for i, at := range r.Perm(n) {
		kinds := openKinds
		if i >= cfg.Opens {
			kinds = others
		}
		o := arrival{
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

// People returns the profiles before the first event.
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

// Len returns the number of arrivals.
func (h *History) Len() int { return len(h.arrivals) }

// Message returns arrival i as ingest would publish the event.
func (h *History) Message(i int) event.Message {
	o := &h.arrivals[i]
	objectType, metric, data := o.words()
	id := fmt.Sprintf("h%d-%d", h.cfg.Seed, o.event)
	m := event.Message{
		Workspace: config.DefaultWorkspace, ID: id, ObjectType: objectType, Metric: metric, ReceivedAt: time.Now(),
		Body: fmt.Appendf(nil, `{"event_id":%q,"object_type":%q,"metric":%q,"timestamp":%d,"data":{"delivery_id":%q,%s%s}}`,
			id, objectType, metric, o.at, o.delivery(), data, o.identifiers()),
	}
	if o.again {
		m.ID += "-again"
	}
	return m
}

func (o *arrival) delivery() string { return "d" + strconv.Itoa(o.event) }

// words returns the parts of the body that depend on the kind of event.
func (o *arrival) words() (objectType, metric, data string) {
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
	case "bounced elsewhere":
		return "email", "bounced", `"failure_message":"550 5.1.1 no such user","recipient":"colleague@example.net",`
	case "spammed elsewhere", "opened elsewhere":
		metric, _, _ = strings.Cut(o.what, " ")
		return "email", metric, `"recipient":"Boss <boss@example.net>",`
	default:
		return "email", o.what, ""
	}
}

// elsewhere reports whether the e-mail went to an address other than the person's. The
// body then has the person's own address.
func (o *arrival) elsewhere() bool { return strings.HasSuffix(o.what, " elsewhere") }

// identifiers returns the part of the body that names the person, in one of the forms
// that Customer.io sends.
func (o *arrival) identifiers() string {
	switch elsewhere := o.elsewhere(); {
	case o.way == 0 && !elsewhere:
		return fmt.Sprintf(`"identifiers":{"id":%q}`, id(o.person))
	case o.way == 1 && !elsewhere:
		return fmt.Sprintf(`"customer_id":%q`, id(o.person))
	default:
		return fmt.Sprintf(`"identifiers":{"id":%q,"email":%q,"cio_id":%q}`, id(o.person), email(o.person), cioID(o.person))
	}
}
