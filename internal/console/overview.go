package console

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/cioevents/cioevents/internal/fault"
	"github.com/cioevents/cioevents/internal/operate"
	"github.com/cioevents/cioevents/internal/report"
	"github.com/cioevents/cioevents/internal/stream"
)

func (s *Server) overviewRoutes(r *router) {
	r.get("/{$}", s.overview)
	r.get("/overview/activity", s.activity)
}

// overviewTimeout bounds the requests to NATS for the overview.
const overviewTimeout = 5 * time.Second

// overviewData is the data of the overview. Problem is why NATS has not answered.
type overviewData struct {
	Problem    string
	Status     *stream.Status
	Workspaces []operate.LastCall
	Workers    []operate.Heartbeat
	Dead, Held uint64
	// Oldest is when the oldest waiting message of a consumer was stored.
	Oldest map[string]time.Time
	// Warehouse is where the rows are.
	Warehouse string
	Charges   bool
	Activity  *activity // nil before it is loaded
}

// overview renders without NATS, too: a missing answer is the first thing to know.
func (s *Server) overview(_ http.ResponseWriter, r *http.Request) (view, error) {
	ctx, cancel := context.WithTimeout(r.Context(), overviewTimeout)
	defer cancel()
	d := &overviewData{Warehouse: s.numbers.place.Where(), Charges: s.numbers.charges()}
	if known := s.numbers.known(activityKey); known != nil {
		d.Activity = newActivity(known)
	}
	if err := d.read(ctx, s.cfg.Conn); err != nil {
		d.Problem = err.Error()
	}
	return view{file: "overview", part: "overview-live", data: d}, nil
}

func (d *overviewData) read(ctx context.Context, conn *stream.Conn) (err error) {
	if d.Status, err = conn.Status(ctx); err != nil {
		return err
	}
	d.countDead()
	if d.Oldest, err = conn.OldestOf(ctx, d.Status.Consumers); err != nil {
		return err
	}
	if d.Workspaces, err = operate.LastCalls(ctx, conn); err != nil {
		return err
	}
	d.Workers, err = operate.Workers(ctx, conn)
	return err
}

func (d *overviewData) countDead() {
	for _, dead := range d.Status.Dead {
		d.Dead += dead.Count
		if dead.Reason == string(fault.ReasonHeldSuppression) {
			d.Held += dead.Count
		}
	}
}

// Last returns the time of the last signed call, zero without one.
func (d *overviewData) Last() (last time.Time) {
	for _, w := range d.Workspaces {
		if w.At.After(last) {
			last = w.At
		}
	}
	return last
}

// activitySpan is the time that the plot of the overview shows.
const activitySpan = time.Hour

const activityKey = "activity"

// An activity is the events of the last hour by minute and metric.
type activity struct {
	*result
	Totals []metricTotal
	// Plot is the data of the plot, as console.js reads it.
	Plot string
}

type metricTotal struct {
	Metric string
	Events int64
}

func (s *Server) activity(w http.ResponseWriter, r *http.Request) (view, error) {
	res, err := s.numbers.read(r.Context(), activityKey, func(ctx context.Context, cfg report.Config) (any, error) {
		return report.Minutes(ctx, cfg, activitySpan)
	})
	if err != nil {
		return view{}, err
	}
	if !isPart(r) { // the overview shows the result that is known now
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return view{}, nil
	}
	return view{file: "overview", part: "overview-activity", data: &overviewData{Activity: newActivity(res), Charges: s.numbers.charges()}}, nil
}

func newActivity(res *result) *activity {
	minutes, _ := res.Value.([]report.Minute)
	a := &activity{result: res}
	totals := map[string]int64{}
	for _, m := range minutes {
		totals[m.Metric] += m.Events
	}
	for metric, n := range totals {
		a.Totals = append(a.Totals, metricTotal{cmp.Or(metric, "unknown"), n})
	}
	slices.SortFunc(a.Totals, func(a, b metricTotal) int {
		return cmp.Or(cmp.Compare(b.Events, a.Events), cmp.Compare(a.Metric, b.Metric))
	})
	a.Plot = plotOf(minutes, a.Totals, res.At)
	return a
}

// maxCurves is the number of metrics that have a colour of their own.
const maxCurves = 6

func plotOf(minutes []report.Minute, totals []metricTotal, end time.Time) string {
	first := end.Add(-activitySpan).Truncate(time.Minute)
	p := plot[int64]{X: []int64{}, Curves: []curve[int64]{}}
	for t := first; t.Before(end); t = t.Add(time.Minute) {
		p.X = append(p.X, t.Unix())
	}
	for _, t := range totals[:min(len(totals), maxCurves)] {
		p.Curves = append(p.Curves, curve[int64]{t.Metric, make([]int64, len(p.X))})
	}
	for _, m := range minutes {
		i := int(m.Minute.Sub(first) / time.Minute)
		c := slices.IndexFunc(p.Curves, func(c curve[int64]) bool { return c.Name == cmp.Or(m.Metric, "unknown") })
		if c >= 0 && i >= 0 && i < len(p.X) {
			p.Curves[c].Y[i] += m.Events
		}
	}
	return p.text()
}
