package console

import (
	"cmp"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/cioevents/cioevents/internal/operate"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/warehouse/place"
)

func (s *Server) replaysRoutes(r *router) {
	r.get("/replays", s.replays)
	r.get("/replays/plan", s.planReplay)
	r.change("/replays/start", s.startReplay)
	r.change("/replays/{id}/cancel", s.cancelReplay)
}

// replaysData is the data of the page of replays.
type replaysData struct {
	Replays []operate.ReplayStatus
	Form    replayForm
	// Targets are the consumers of workers. A replay to another program's consumer copies
	// events, which cioctl does.
	Targets []string
	Started string
}

// A replayForm has the texts of an order as they were entered.
type replayForm struct{ Target, Since, Until, Workspace, Type, Metric string }

func newReplayForm(r *http.Request) replayForm {
	return replayForm{field(r, "to"), field(r, "since"), field(r, "until"), field(r, "workspace"), field(r, "type"), field(r, "metric")}
}

func (f replayForm) order() operate.ReplayOrder {
	o := operate.ReplayOrder{Target: f.Target, Since: f.Since, Until: f.Until}
	for _, pair := range []struct{ name, value string }{{"workspace", f.Workspace}, {"object_type", f.Type}, {"metric", f.Metric}} {
		if pair.value != "" {
			o.Filter = append(o.Filter, pair.name+"="+pair.value)
		}
	}
	return o
}

func (f replayForm) String() string {
	words := []string{"to=" + f.Target}
	for _, pair := range []struct{ name, value string }{{"since", f.Since}, {"until", f.Until}, {"workspace", f.Workspace}, {"type", f.Type}, {"metric", f.Metric}} {
		if pair.value != "" {
			words = append(words, pair.name+"="+pair.value)
		}
	}
	return strings.Join(words, " ")
}

func (s *Server) replays(_ http.ResponseWriter, r *http.Request) (view, error) {
	d := replaysData{Form: newReplayForm(r), Started: r.FormValue("started")}
	var err error
	if d.Replays, err = operate.ListReplays(r.Context(), s.cfg.Conn); err != nil {
		return view{}, err
	}
	consumers, err := operate.ListConsumers(r.Context(), s.cfg.Conn)
	if err != nil {
		return view{}, err
	}
	for _, c := range consumers {
		if !c.Foreign {
			d.Targets = append(d.Targets, c.Name)
		}
	}
	slices.SortStableFunc(d.Targets, func(a, b string) int { // the harmless targets first
		return cmp.Compare(strings.Index(b, place.FirstConsumer), strings.Index(a, place.FirstConsumer))
	})
	return view{file: "replays", part: "replay-list", data: d}, nil
}

// replayPlanData is the data of the page on which a replay is confirmed.
type replayPlanData struct {
	// Form has an end, so that a replay and its preview cover the same events.
	Form    replayForm
	Preview *operate.Preview
	// Effects is set for a target whose effects cannot be undone.
	Effects bool
	Rules   string
}

// previewLimit is how long a preview reads. The numbers are lower bounds then.
const previewLimit = 5 * time.Second

func (s *Server) planReplay(_ http.ResponseWriter, r *http.Request) (view, error) {
	d := replayPlanData{Form: newReplayForm(r), Rules: s.cfg.Rules.Source()}
	now := time.Now()
	if d.Form.Until == "" {
		d.Form.Until = now.UTC().Format(time.RFC3339Nano)
	}
	q, err := s.replayRequest(d.Form, now)
	if err != nil {
		return view{}, err
	}
	replay, err := s.cfg.Conn.MeasureReplay(r.Context(), q)
	if errors.Is(err, stream.ErrNothingToReplay) {
		return view{}, nothingToReplay(err)
	}
	if err != nil {
		return view{}, err
	}
	d.Preview = &operate.Preview{Events: replay.Total}
	if d.Effects = operate.NeedsPreview(q.Target); d.Effects {
		d.Preview, err = operate.PreviewReplay(r.Context(), s.cfg.Conn, replay, s.policy, previewLimit, func(uint64) {})
	}
	return view{file: "replay_plan", data: d}, err
}

// replayRequest translates the form. A foreign consumer is no target here.
func (*Server) replayRequest(f replayForm, now time.Time) (stream.ReplayRequest, error) {
	if operate.CheckForeign(f.Target) == nil {
		return stream.ReplayRequest{}, &operate.InputError{Field: "to", Err: errors.New("the consumer belongs to another program: use cioctl replay start")}
	}
	return f.order().Request(now)
}

func nothingToReplay(err error) error {
	return &operate.InputError{Field: "replay", Err: errors.New(err.Error() + ": compare the period and the words with the page of events")}
}

func (s *Server) startReplay(w http.ResponseWriter, r *http.Request) (view, error) {
	form := newReplayForm(r)
	q, err := s.replayRequest(form, time.Now())
	if err != nil {
		return view{}, err
	}
	if operate.NeedsPreview(q.Target) && field(r, "confirm") != q.Target {
		return view{}, &operate.InputError{Field: "confirm", Err: errors.New("type the name of the consumer, " + q.Target + ": nothing was started")}
	}
	replay, _, err := operate.StartReplay(r.Context(), s.cfg.Conn, q)
	if errors.Is(err, stream.ErrNothingToReplay) {
		err = nothingToReplay(err)
	}
	if err != nil {
		return view{}, err
	}
	s.audit(r, "start replay "+replay.ID, form.String(), int(replay.Total)) //nolint:gosec // a number of events
	http.Redirect(w, r, "/replays?started="+replay.ID, http.StatusSeeOther) //nolint:gosec // the path is fixed
	return view{}, nil
}

func (s *Server) cancelReplay(w http.ResponseWriter, r *http.Request) (view, error) {
	id := r.PathValue("id")
	if err := s.cfg.Conn.DeleteReplay(r.Context(), id); err != nil {
		return view{}, err
	}
	s.audit(r, "cancel replay", "id="+id, 1)
	http.Redirect(w, r, "/replays", http.StatusSeeOther)
	return view{}, nil
}
