package console

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/operate"
	"github.com/cioevents/cioevents/internal/people"
	"github.com/cioevents/cioevents/internal/privacy"
	"github.com/cioevents/cioevents/internal/report"
)

// An identifier travels in the body of a POST, never in an address: proxies and browsers
// keep addresses. A delivery_id names nobody and may be in an address.
func (s *Server) personRoutes(r *router) {
	r.get("/person", s.delivery)
	r.post("/person", s.searchPerson)
	r.post("/person/reveal", s.revealPerson)
	r.post("/person/export", s.exportPerson)
	r.post("/person/plan", s.planErasure)
	r.change("/person/erase", s.erasePerson)
	r.get("/person/receipt/{request}", s.receipt)
}

// byDelivery is the kind of a search for a delivery.
const byDelivery = "delivery"

// A personForm has the texts of the search as they were entered.
type personForm struct {
	Workspace, Kind, Value, Days string
	// Exact and All are the fields of people.Choice.
	Exact, All bool
}

// newPersonForm reads the body alone. The workspace may be missing.
func newPersonForm(r *http.Request) personForm {
	field := func(name string) string { return strings.TrimSpace(r.PostFormValue(name)) }
	return personForm{
		field("workspace"), cmp.Or(field("kind"), string(privacy.Email)), field("value"), cmp.Or(field("days"), "90"),
		field("exact") != "", field("all") != "",
	}
}

// personForm reads the body, and takes the workspace as cioctl person does.
func (s *Server) personForm(r *http.Request) (personForm, error) {
	f := newPersonForm(r)
	err := s.chooseWorkspace(r.Context(), &f)
	return f, err
}

// chooseWorkspace completes the workspace of a form, or refuses the workspace.
func (s *Server) chooseWorkspace(ctx context.Context, f *personForm) error {
	name, err := people.Workspace(ctx, s.cfg.Conn, s.cfg.Workspaces, f.Workspace)
	if unknown, ok := errors.AsType[*people.WorkspaceError](err); ok {
		return &operate.InputError{Field: "person", Err: unknown}
	}
	f.Workspace = name
	return err
}

// identifier returns the identifier of a person. Errors do not have the value.
func (f personForm) identifier() (privacy.Identifier, error) {
	if !slices.Contains(privacy.Kinds(), privacy.Kind(f.Kind)) {
		return privacy.Identifier{}, &operate.InputError{Field: "kind", Err: errors.New("choose an id, an e-mail address, a cio_id or a phone number")}
	}
	id, err := privacy.ParseIdentifier(privacy.Kind(f.Kind), f.Value)
	if err != nil {
		return id, &operate.InputError{Field: "value", Err: err}
	}
	return id, nil
}

// filter returns the filter of the timeline.
func (f personForm) filter(key *privacy.Key) (report.TimelineFilter, error) {
	filter := report.TimelineFilter{Workspace: f.Workspace, Key: key, Limit: shownTimeline}
	if !slices.Contains(timelineDays(), f.Days) {
		return filter, &operate.InputError{Field: "days", Err: fmt.Errorf("want one of %s", strings.Join(timelineDays(), ", "))}
	}
	if f.Kind == byDelivery {
		filter.Delivery = f.Value
		if f.Value == "" {
			return filter, &operate.InputError{Field: "value", Err: errors.New("type a delivery_id")}
		}
		return filter, nil
	}
	var err error
	filter.Person, err = f.identifier()
	return filter, err
}

// shownTimeline is the number of events of a timeline.
const shownTimeline = 200

// timelineDays are the numbers of days that the page offers. 0 stands for all days.
func timelineDays() []string { return []string{"7", "30", "90", "365", "0"} }

// A personPage is the data of the page.
type personPage struct {
	Form                 personForm
	Kinds                []kindOption
	Workspaces           []string // to choose from
	Days                 []string
	Searched, IsDelivery bool
	Missing              bool
	Warehouse            string
	Revealed             bool
	Timeline             *timeline
	Rules                string
}

// DeliveryLink returns the address of the events of a delivery.
func (p personPage) DeliveryLink(id string) string {
	return address("/person", map[string]string{"delivery": id, "workspace": p.Form.Workspace})
}

type kindOption struct{ Value, Title string }

func kindOptions() []kindOption {
	return []kindOption{
		{string(privacy.Email), "e-mail address"},
		{string(privacy.ID), "id"},
		{string(privacy.CioID), "cio_id"},
		{string(privacy.Phone), "phone number"},
		{byDelivery, "delivery_id"},
	}
}

// A timeline is the events of a person, with the time and the bytes of the query.
type timeline struct {
	*result
	Events []timelineRow
}

// Full reports whether there may be older events.
func (t *timeline) Full() bool { return len(t.Events) == shownTimeline }

type timelineRow struct {
	report.TimelineEvent
	Trial *operate.Trial // nil without the body
}

// Message names what sent the message.
func (r timelineRow) Message() string { return strings.TrimSpace(r.Source + " " + r.SourceID) }

func (s *Server) newPersonPage(f personForm) personPage {
	p := s.numbers.place
	return personPage{Form: f, Kinds: kindOptions(), Workspaces: s.cfg.Workspaces, Days: timelineDays(), Missing: p.Missing(), Warehouse: p.Where(), IsDelivery: f.Kind == byDelivery, Rules: s.cfg.Rules.Source()}
}

// delivery shows the form, or the events of the delivery in the address.
func (s *Server) delivery(_ http.ResponseWriter, r *http.Request) (view, error) {
	f := newPersonForm(r)
	q := r.URL.Query()
	if id := strings.TrimSpace(q.Get("delivery")); id != "" {
		f.Kind, f.Value, f.Workspace = byDelivery, id, q.Get("workspace")
		if err := s.chooseWorkspace(r.Context(), &f); err != nil {
			return view{}, err
		}
		return s.showTimeline(r.Context(), f, false)
	}
	_ = s.chooseWorkspace(r.Context(), &f) // after an error the field is empty, and a search has to fill it
	return view{file: "person", data: s.newPersonPage(f)}, nil
}

func (s *Server) searchPerson(_ http.ResponseWriter, r *http.Request) (view, error) {
	f, err := s.personForm(r)
	if err != nil {
		return view{}, err
	}
	return s.showTimeline(r.Context(), f, false)
}

// revealPerson shows the timeline with its personal values, and logs who asked.
func (s *Server) revealPerson(_ http.ResponseWriter, r *http.Request) (view, error) {
	f, err := s.personForm(r)
	if err != nil {
		return view{}, err
	}
	v, err := s.showTimeline(r.Context(), f, true)
	if err == nil {
		s.audit(r, "reveal person", s.markOf(f), 1)
	}
	return v, err
}

// marksOf returns PRIVACY_KEY, or a key of this process alone.
func marksOf(key *privacy.Key) (privacy.Key, error) {
	if key != nil {
		return *key, nil
	}
	return privacy.NewKey("console", random(32))
}

// markOf describes the person of a form for the log without the identifier: by the mark
// that a receipt has, too. Without PRIVACY_KEY the mark holds until the console restarts.
func (s *Server) markOf(f personForm) string {
	if f.Kind == byDelivery {
		return "delivery"
	}
	id, err := f.identifier()
	if err != nil {
		return "nobody"
	}
	return "workspace=" + f.Workspace + " " + f.Kind + "=" + s.marks.Mark(f.Workspace, id)
}

func (s *Server) showTimeline(ctx context.Context, f personForm, reveal bool) (view, error) {
	p := s.newPersonPage(f)
	filter, err := f.filter(s.cfg.PrivacyKey)
	if err != nil {
		return view{}, err
	}
	p.Searched, p.Revealed = true, reveal
	if p.Missing {
		return view{file: "person", data: p}, nil
	}
	days, _ := strconv.Atoi(f.Days) // filter has checked the text
	key := fmt.Sprintf("timeline %s %q %q %q", f.Days, f.Workspace, f.Kind, f.Value)
	res, err := s.numbers.read(ctx, key, func(ctx context.Context, cfg report.Config) (any, error) {
		cfg.Days = days
		return report.Timeline(ctx, cfg, filter)
	})
	if err != nil {
		return view{}, withMigration(err)
	}
	p.Timeline = s.newTimeline(res, f.Workspace, reveal)
	return view{file: "person", data: p}, nil
}

func (s *Server) newTimeline(res *result, workspace string, reveal bool) *timeline {
	events, _ := res.Value.([]report.TimelineEvent)
	t := &timeline{result: res}
	for i := range events {
		row := timelineRow{TimelineEvent: events[i]}
		if len(row.Payload) > 0 {
			m := event.Message{Workspace: workspace, ID: row.EventID, Body: row.Payload, ReceivedAt: row.Received}
			a := &event.Attempt{Stored: &event.Stored{Message: m}, Sequence: row.Sequence}
			if x := operate.ExplainEvent(s.policy, a); x.Problem == "" {
				row.Trial = &x.Trial
			}
		}
		if !reveal {
			row.Subject, row.Recipient, row.Link, row.Reason = "", "", "", withoutAddresses(row.Reason)
		}
		t.Events = append(t.Events, row)
	}
	return t
}
