package console

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cioevents/cioevents/internal/fault"
	"github.com/cioevents/cioevents/internal/operate"
	"github.com/cioevents/cioevents/internal/stream"
)

func (s *Server) deadRoutes(r *router) {
	r.get("/dead", s.dead)
	r.get("/dead/{seq}", s.deadLetter)
	r.post("/dead/{seq}/reveal", s.revealDead)
	r.get("/dead/plan", s.planDead)
	r.get("/dead/job", s.deadJob)
	r.change("/dead/redrive", s.redriveDead)
	r.change("/dead/drop", s.dropDead)
}

// shownDead is the number of dead letters in the table. A change applies to all that the
// filter selects.
const shownDead = 100

// A deadForm has the texts of the filter as they were entered.
type deadForm struct{ From, Reason, Workspace, Metric, Text, Since, Until string }

func newDeadForm(r *http.Request) deadForm {
	return deadForm{field(r, "from"), field(r, "reason"), field(r, "workspace"), field(r, "metric"), field(r, "text"), field(r, "since"), field(r, "until")}
}

// Fields are the entered texts by the names of the fields, for links and hidden fields.
func (f deadForm) Fields() map[string]string {
	fields := map[string]string{"from": f.From, "reason": f.Reason, "workspace": f.Workspace, "metric": f.Metric, "text": f.Text, "since": f.Since, "until": f.Until}
	maps.DeleteFunc(fields, func(_, value string) bool { return value == "" })
	return fields
}

// Link returns the address of a page with the filter.
func (f deadForm) Link(path string) string { return address(path, f.Fields()) }

// String describes the filter for people and for the log. The text may be an address and
// is left out.
func (f deadForm) String() string {
	fields := f.Fields()
	if f.Text != "" {
		fields["text"] = masked
	}
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		parts = append(parts, name+"="+fields[name])
	}
	if len(parts) == 0 {
		return "all"
	}
	return strings.Join(parts, " ")
}

func (f deadForm) filter(now time.Time) (*operate.DeadFilter, error) {
	filter := &operate.DeadFilter{From: f.From, Reason: f.Reason, Workspace: f.Workspace, Metric: f.Metric, Text: f.Text}
	var err error
	filter.Since, filter.Until, err = operate.ParsePeriod(f.Since, f.Until, now)
	return filter, errors.Join(err, filter.Check())
}

// deadData is the data of the page of dead letters.
type deadData struct {
	Filter deadForm
	All    int
	List   []operate.DeadLetter
	Counts []stream.DeadStatus
	Reason []fault.Reason
	Job    *job
}

func (s *Server) dead(_ http.ResponseWriter, r *http.Request) (view, error) {
	d := deadData{Filter: newDeadForm(r), Reason: fault.Reasons(), Job: s.jobs.current()}
	f, err := d.Filter.filter(time.Now())
	if err != nil {
		return view{}, err
	}
	if d.List, d.All, err = operate.NewestDeadLetters(r.Context(), s.cfg.Conn, f, shownDead); err != nil {
		return view{}, err
	}
	status, err := s.cfg.Conn.Status(r.Context())
	if err != nil {
		return view{}, err
	}
	d.Counts = status.Dead
	for i := range d.List {
		d.List[i].Err = withoutAddresses(d.List[i].Err)
	}
	return view{file: "dead", data: d}, nil
}

// letterData is the data of the page of one dead letter.
type letterData struct {
	*operate.DeadLetter
	Payload  string
	Revealed bool
}

func (s *Server) deadLetter(_ http.ResponseWriter, r *http.Request) (view, error) {
	return s.showDead(r, false)
}

func (s *Server) revealDead(_ http.ResponseWriter, r *http.Request) (view, error) {
	v, err := s.showDead(r, true)
	if err == nil {
		s.audit(r, "reveal dead letter", "number "+r.PathValue("seq"), 1)
	}
	return v, err
}

func (s *Server) showDead(r *http.Request, reveal bool) (view, error) {
	seq, err := strconv.ParseUint(r.PathValue("seq"), 10, 64)
	if err != nil {
		return view{}, &operate.InputError{Field: "dead letter", Err: fmt.Errorf("%q is not the number of a dead letter", r.PathValue("seq"))}
	}
	letter, err := operate.ShowDeadLetter(r.Context(), s.cfg.Conn, seq, true)
	if err != nil {
		return view{}, err
	}
	if !reveal {
		letter.Err = withoutAddresses(letter.Err)
	}
	return view{file: "dead_letter", data: letterData{letter, payloadText(letter.Raw, reveal), reveal}}, nil
}

// planData is the data of the page on which a change of dead letters is confirmed.
type planData struct {
	Filter deadForm
	All    int
	Plan   operate.RedriveReport
	// Release is set when the filter selects held suppressions: People are deleted for good.
	Release bool
	People  int
}

// planDead shows what a change would do. The filter gets an end, so that dead letters which
// arrive later are not changed without a look.
func (s *Server) planDead(_ http.ResponseWriter, r *http.Request) (view, error) {
	d := planData{Filter: newDeadForm(r)}
	now := time.Now()
	if d.Filter.Until == "" {
		d.Filter.Until = now.UTC().Format(time.RFC3339Nano)
	}
	letters, err := s.selectDead(r.Context(), d.Filter, now)
	if err != nil {
		return view{}, err
	}
	d.All, d.Release = len(letters), d.Filter.releases()
	d.Plan, d.People, err = operate.PlanRedrive(r.Context(), s.cfg.Conn, letters, d.Release)
	return view{file: "dead_plan", data: d}, err
}

// releases reports whether a redrive of the filter releases held suppressions. The
// reason must be given: nobody releases suppressions along with other dead letters.
func (f deadForm) releases() bool { return f.Reason == string(fault.ReasonHeldSuppression) }

func (s *Server) selectDead(ctx context.Context, form deadForm, now time.Time) ([][]uint64, error) {
	f, err := form.filter(now)
	if err != nil {
		return nil, err
	}
	return operate.SelectDeadLetters(ctx, s.cfg.Conn, f)
}

func (s *Server) redriveDead(w http.ResponseWriter, r *http.Request) (view, error) {
	form := newDeadForm(r)
	letters, err := s.selectDead(r.Context(), form, time.Now())
	if err != nil {
		return view{}, err
	}
	release, what := form.releases(), "redrive dead letters"
	if release {
		what = "release held suppressions"
		_, people, err := operate.PlanRedrive(r.Context(), s.cfg.Conn, letters, true)
		if err == nil {
			err = confirmed(r, people)
		}
		if err != nil {
			return view{}, err
		}
	}
	return s.startJob(w, r, what, form, letters, func(ctx context.Context, progress func()) ([]jobLine, error) {
		report, err := operate.RedriveDeadLetters(ctx, s.cfg.Conn, letters, release, progress)
		return redriveLines(&report), err
	})
}

func redriveLines(r *operate.RedriveReport) []jobLine {
	lines := []jobLine{{r.Redriven, "redriven"}}
	if r.Gone > 0 {
		lines = append(lines, jobLine{r.Gone, "gone: somebody else has redriven or dropped them"})
	}
	for _, why := range slices.Sorted(maps.Keys(r.Kept)) {
		lines = append(lines, jobLine{r.Kept[why], "kept: " + why})
	}
	return lines
}

func (s *Server) dropDead(w http.ResponseWriter, r *http.Request) (view, error) {
	form := newDeadForm(r)
	letters, err := s.selectDead(r.Context(), form, time.Now())
	if err == nil {
		err = confirmed(r, len(letters))
	}
	if err != nil {
		return view{}, err
	}
	return s.startJob(w, r, "drop dead letters", form, letters, func(ctx context.Context, progress func()) ([]jobLine, error) {
		dropped, err := operate.DropDeadLetters(ctx, s.cfg.Conn, letters, progress)
		return []jobLine{{dropped, "dropped"}}, err
	})
}

// confirmed checks the number that a person has typed before a change that cannot be
// undone. A filter that selects another number than the person saw is refused, too.
func confirmed(r *http.Request, want int) error {
	if typed := strings.ReplaceAll(field(r, "confirm"), ",", ""); typed != strconv.Itoa(want) {
		return &operate.InputError{Field: "confirm", Err: fmt.Errorf("the number is %d, and not what was typed: nothing was changed", want)}
	}
	return nil
}

// startJob starts the change and leads to its progress.
func (s *Server) startJob(w http.ResponseWriter, r *http.Request, what string, form deadForm, letters [][]uint64,
	fn func(context.Context, func()) ([]jobLine, error),
) (view, error) {
	if err := s.jobs.start(s.life, what, len(letters), fn); err != nil {
		return view{}, err
	}
	s.audit(r, what, form.String(), len(letters))
	http.Redirect(w, r, "/dead/job", http.StatusSeeOther)
	return view{}, nil
}

func (s *Server) deadJob(http.ResponseWriter, *http.Request) (view, error) {
	return view{file: "dead_job", part: "job", data: s.jobs.current()}, nil
}
