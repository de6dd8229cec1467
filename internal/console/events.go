package console

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/cioevents/cioevents/internal/operate"
	"github.com/cioevents/cioevents/pkg/webhook"
)

func (s *Server) eventsRoutes(r *router) {
	r.get("/events", s.events)
	r.get("/events/{seq}", s.event)
	r.post("/events/{seq}/reveal", s.reveal)
	r.mux.HandleFunc("GET /events/live", s.live)
}

// shownEvents is the number of events in the table when the page opens. The table grows to
// 200 events, the number in console.js.
const shownEvents = 50

// eventsData is the data of the page of events.
type eventsData struct {
	Filter  eventForm
	Rows    []eventRow
	Metrics []webhook.Metric
	Types   []webhook.ObjectType
	Sources []string
}

// Live returns the address of the live events of the filter.
func (d eventsData) Live() string {
	f := d.Filter
	return address("/events/live", map[string]string{"workspace": f.Workspace, "type": f.Type, "metric": f.Metric, "source": f.Source, "person": f.Person, "delivery": f.Delivery})
}

// An eventForm has the texts of the filter as they were entered.
type eventForm struct{ Workspace, Type, Metric, Source, Person, Delivery string }

func newEventForm(r *http.Request) eventForm {
	return eventForm{field(r, "workspace"), field(r, "type"), field(r, "metric"), field(r, "source"), field(r, "person"), field(r, "delivery")}
}

// filter returns the filter, or the mistakes in the texts.
func (f eventForm) filter() (*operate.EventFilter, error) {
	list := func(value string) []string {
		if value == "" {
			return nil
		}
		return []string{value}
	}
	filter := &operate.EventFilter{
		Filter: operate.Filter{Workspaces: list(f.Workspace), ObjectTypes: list(strings.ToLower(f.Type)), Metrics: list(strings.ToLower(f.Metric))},
		People: list(f.Person), Sources: list(f.Source), Deliveries: list(f.Delivery),
	}
	err := filter.Check()
	return filter, err
}

func (s *Server) events(_ http.ResponseWriter, r *http.Request) (view, error) {
	d := eventsData{Filter: newEventForm(r), Metrics: webhook.Metrics(), Types: webhook.ObjectTypes(), Sources: operate.Sources}
	f, err := d.Filter.filter()
	if err != nil {
		return view{}, err
	}
	recent, err := operate.RecentEvents(r.Context(), s.cfg.Conn, f, shownEvents)
	if err != nil {
		return view{}, err
	}
	for _, a := range recent {
		d.Rows = append(d.Rows, newEventRow(a))
	}
	return view{file: "events", data: d}, nil
}

// eventData is the data of the page of one event.
type eventData struct {
	*operate.Explanation
	Payload  string
	Revealed bool
	// Rules is where the rules come from.
	Rules string
}

func (s *Server) event(_ http.ResponseWriter, r *http.Request) (view, error) {
	return s.showEvent(r, false)
}

// reveal shows the event with its personal values, and logs who asked.
func (s *Server) reveal(_ http.ResponseWriter, r *http.Request) (view, error) {
	v, err := s.showEvent(r, true)
	if err == nil {
		s.audit(r, "reveal event", "sequence "+r.PathValue("seq"), 1)
	}
	return v, err
}

func (s *Server) showEvent(r *http.Request, reveal bool) (view, error) {
	seq, err := strconv.ParseUint(r.PathValue("seq"), 10, 64)
	if err != nil {
		return view{}, &operate.InputError{Field: "event", Err: fmt.Errorf("%q is not the sequence of an event", r.PathValue("seq"))}
	}
	a, err := s.cfg.Conn.ReadEvent(r.Context(), seq)
	if err != nil {
		return view{}, err
	}
	d := eventData{operate.ExplainEvent(s.policy, a), payloadText(a.Body, reveal), reveal, s.cfg.Rules.Source()}
	if !reveal {
		for i := range d.Row {
			if c := &d.Row[i]; c.Personal {
				c.Value = masked
			} else {
				c.Value = withoutAddresses(c.Value)
			}
		}
	}
	return view{file: "event", data: d}, nil
}
