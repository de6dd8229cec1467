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
	"time"

	"github.com/cioevents/cioevents/internal/operate"
	"github.com/cioevents/cioevents/internal/report"
)

func (s *Server) messagesRoutes(r *router) {
	r.get("/messages", s.messages)
	r.get("/messages/numbers", s.messageNumbers)
	r.get("/messages/csv/{table}", s.messagesCSV)
}

// A messagesForm has the choices of the page as they were entered.
type messagesForm struct{ Days, Timezone, Campaign string }

const defaultDays = "30"

// dayChoices are the numbers of days that the page offers. 0 stands for all days.
func dayChoices() []string { return []string{"1", "7", defaultDays, "90", "365", "0"} }

func newMessagesForm(r *http.Request) messagesForm {
	return messagesForm{cmp.Or(field(r, "days"), defaultDays), field(r, "timezone"), field(r, "campaign")}
}

// Link returns the address of a page with the choices.
func (f messagesForm) Link(path string) string {
	return address(path, map[string]string{"days": f.Days, "timezone": f.Timezone, "campaign": f.Campaign})
}

// config adds the choices to the configuration of a report.
func (f messagesForm) config(cfg report.Config) (report.Config, error) {
	var err error
	if cfg.Days, err = strconv.Atoi(f.Days); err != nil || !slices.Contains(dayChoices(), f.Days) {
		return cfg, &operate.InputError{Field: "days", Err: fmt.Errorf("want one of %s", strings.Join(dayChoices(), ", "))}
	}
	if _, err := time.LoadLocation(f.Timezone); err != nil || f.Timezone == "Local" {
		return cfg, &operate.InputError{Field: "timezone", Err: errors.New("want an IANA name such as Europe/Berlin or UTC")}
	}
	cfg.Timezone = f.Timezone
	if f.Campaign == "" {
		return cfg, nil
	}
	if cfg.Campaign, err = strconv.ParseInt(f.Campaign, 10, 64); err != nil || cfg.Campaign <= 0 {
		return cfg, &operate.InputError{Field: "campaign", Err: errors.New("want the number of a campaign in Customer.io")}
	}
	return cfg, nil
}

// key names the report of the choices among the results of the warehouse.
func (f messagesForm) key() string { return f.Link("messages") }

// messagesData is the data of the page of messages.
type messagesData struct {
	Form    messagesForm
	Choices []string
	// Warehouse is where the rows are.
	Warehouse        string
	Missing, Charges bool
	Report           *messagesReport // nil before it is read
}

// A messagesReport is a report with the time and the bytes of its queries.
type messagesReport struct {
	*result
	*report.Report
	Form messagesForm
}

func (s *Server) newMessagesData(f messagesForm) messagesData {
	p := s.numbers.place
	return messagesData{Form: f, Choices: dayChoices(), Warehouse: p.Where(), Missing: p.Missing(), Charges: p.Charges()}
}

// messages does not read the warehouse: the page asks for its numbers, unless the
// warehouse charges for them.
func (s *Server) messages(_ http.ResponseWriter, r *http.Request) (view, error) {
	d := s.newMessagesData(newMessagesForm(r))
	if _, err := d.Form.config(report.Config{}); err != nil {
		return view{}, err
	}
	if known := s.numbers.known(d.Form.key()); known != nil {
		d.Report = newMessagesReport(known, d.Form)
	}
	return view{file: "messages", data: d}, nil
}

func (s *Server) messageNumbers(w http.ResponseWriter, r *http.Request) (view, error) {
	d := s.newMessagesData(newMessagesForm(r))
	var err error
	if d.Report, err = s.readMessages(r.Context(), d.Form); err != nil {
		return view{}, err
	}
	if !isPart(r) { // the page shows the result that is known now
		http.Redirect(w, r, d.Form.Link("/messages"), http.StatusSeeOther)
		return view{}, nil
	}
	return view{file: "messages", part: "messages-numbers", data: d}, nil
}

// readMessages returns the report of the choices, from the warehouse or from a result that
// is new enough.
func (s *Server) readMessages(ctx context.Context, f messagesForm) (*messagesReport, error) {
	if _, err := f.config(report.Config{}); err != nil {
		return nil, err
	}
	res, err := s.numbers.read(ctx, f.key(), func(ctx context.Context, cfg report.Config) (any, error) {
		cfg, err := f.config(cfg)
		if err != nil {
			return nil, err
		}
		return report.New(ctx, cfg)
	})
	if err != nil {
		return nil, withMigration(err)
	}
	return newMessagesReport(res, f), nil
}

func newMessagesReport(res *result, f messagesForm) *messagesReport {
	r, _ := res.Value.(*report.Report)
	return &messagesReport{res, r, f}
}

// ReadAt returns the time of the queries.
func (r *messagesReport) ReadAt() time.Time { return r.result.At }

// messagesCSV answers with all rows of a table.
func (s *Server) messagesCSV(w http.ResponseWriter, r *http.Request) (view, error) {
	read, err := s.readMessages(r.Context(), newMessagesForm(r))
	if err != nil {
		return view{}, err
	}
	name := r.PathValue("table")
	tables := read.Tables()
	i := slices.IndexFunc(tables, func(t table) bool { return t.Name == name })
	if i < 0 {
		http.NotFound(w, r)
		return view{}, nil
	}
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="`+name+read.ReadAt().UTC().Format("-20060102-150405")+`.csv"`)
	return view{}, tables[i].writeCSV(w)
}
