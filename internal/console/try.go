package console

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/cioevents/cioevents/internal/effect"
	"github.com/cioevents/cioevents/internal/operate"
)

func (s *Server) tryRoutes(r *router) {
	r.get("/try", s.try)
	r.post("/try", s.tryEvent)
}

// sample is the event that the page begins with.
const sample = `{
  "event_id": "01E4C4CT6YDC7Y5M7FE1GWWPQJ",
  "object_type": "email",
  "metric": "bounced",
  "timestamp": 1764150000,
  "data": {
    "identifiers": { "id": "42", "email": "ann@example.com" },
    "recipient": "ann@example.com",
    "failure_message": "550 5.1.1 The email account does not exist"
  }
}`

// tryData is the data of the page on which rules are tried.
type tryData struct {
	Event, Mode string
	Modes       []effect.Mode
	Rules       string
	Trials      []operate.Trial
	Problem     string
}

func (s *Server) try(http.ResponseWriter, *http.Request) (view, error) {
	return s.tryView(tryData{Event: sample, Mode: string(s.policy.Mode)})
}

func (s *Server) tryView(d tryData) (view, error) {
	d.Rules, d.Modes = s.cfg.Rules.Source(), []effect.Mode{effect.ModeSuppress, effect.ModeUnsubscribe, effect.ModeOff}
	return view{file: "try", data: d}, nil
}

// tryEvent shows the calls that the rules make of an event. Nothing is called or stored.
func (s *Server) tryEvent(_ http.ResponseWriter, r *http.Request) (view, error) {
	d := tryData{Event: r.FormValue("event"), Mode: r.FormValue("mode")}
	p := s.policy
	var err error
	if p.Mode, err = effect.ParseMode(d.Mode); err != nil {
		return view{}, &operate.InputError{Field: "mode", Err: err}
	}
	body := strings.TrimSpace(d.Event)
	if body == "" {
		err = errors.New("paste an event first")
	} else {
		d.Trials, err = operate.TryEffects(p, slices.Values([][]byte{[]byte(body)}), time.Now())
	}
	if err != nil {
		d.Problem = err.Error()
	}
	return s.tryView(d)
}
