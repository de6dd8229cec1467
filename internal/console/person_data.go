package console

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/cioevents/cioevents/internal/operate"
	"github.com/cioevents/cioevents/internal/people"
	"github.com/cioevents/cioevents/internal/privacy"
)

// personLimit bounds an export, a plan and an erasure: they read the stream once from the
// beginning, some 40 s for 5 million messages, and an erasure waits for the workers.
const personLimit = 15 * time.Minute

// parquetGrace is how long replaced Parquet files stay for the queries that read them.
const parquetGrace = 30 * time.Second

// people opens the stores of persons. Warehouses that do not exist are left out: package
// people reports the ones that a consumer fills.
func (s *Server) people() (*people.People, error) {
	var stores []people.Warehouse
	for _, p := range s.cfg.Warehouses {
		if p.Missing() {
			continue
		}
		store, err := p.People(s.cfg.PrivacyKey, parquetGrace)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p.Where(), err)
		}
		stores = append(stores, people.Warehouse{Store: store, Consumer: p.Consumer})
	}
	return people.New(people.Config{Conn: s.cfg.Conn, Warehouses: stores, Key: s.cfg.PrivacyKey}), nil
}

// outlast lets a request outlast the timeouts of others.
func outlast(w http.ResponseWriter, r *http.Request) (context.Context, context.CancelFunc) {
	c := http.NewResponseController(w)
	end := time.Now().Add(personLimit)
	_, _ = c.SetWriteDeadline(end), c.SetReadDeadline(end) // a test's recorder has no deadlines
	return context.WithDeadline(r.Context(), end)
}

// resolve returns the person of a form.
func (s *Server) resolve(ctx context.Context, f personForm) (*people.People, *people.Person, error) {
	id, err := f.identifier()
	if err != nil {
		return nil, nil, err
	}
	from, err := s.people()
	if err != nil {
		return nil, nil, err
	}
	person, err := from.Resolve(ctx, f.Workspace, []privacy.Identifier{id}, people.Choice{All: f.All, Exact: f.Exact})
	return from, person, err
}

// exportPerson sends every event of a person as a line of JSON. When a store cannot be
// read, the browser says that the download has failed.
func (s *Server) exportPerson(w http.ResponseWriter, r *http.Request) (view, error) {
	f, err := s.personForm(r)
	if err != nil {
		return view{}, err
	}
	ctx, cancel := outlast(w, r)
	defer cancel()
	from, person, err := s.resolve(ctx, f)
	if err != nil {
		return view{}, err
	}
	if len(person.Others) > 0 {
		return view{}, &operate.InputError{Field: "person", Err: errors.New("several persons share the identifier: the erasure plan lists them; search by the id of one of them")}
	}
	s.audit(r, "export person", s.markOf(f), 1)
	w.Header().Set("Content-Type", "application/jsonl")
	w.Header().Set("Content-Disposition", `attachment; filename="person-`+time.Now().UTC().Format("20060102-150405")+`.jsonl"`)
	lines := json.NewEncoder(w)
	lines.SetEscapeHTML(false)
	if _, err := from.Export(ctx, person, func(record privacy.Record) error { return lines.Encode(record) }); err != nil {
		s.cfg.Log.Warn().Err(err).Msg("console: an export is not complete")
		panic(http.ErrAbortHandler)
	}
	return view{}, nil
}

// erasureData is the data of the page with the plan of an erasure.
type erasureData struct {
	Form        personForm
	Workspace   string
	Identifiers []string
	Others      [][]string
	Further     []string
	Counts      []people.StoreCount
	Effects     []people.DeadEffect
	// Absent is set when no store has an event of the person.
	Absent bool
	// Problem says why nothing can be erased, "" if the person may be erased.
	Problem string
	// NeedsMany and NeedsDrop ask for a consent.
	NeedsMany, NeedsDrop bool
	HasKey               bool
}

// planErasure shows what an erasure would remove. The texts of identifiers are cut.
func (s *Server) planErasure(w http.ResponseWriter, r *http.Request) (view, error) {
	f, err := s.personForm(r)
	if err != nil {
		return view{}, err
	}
	ctx, cancel := outlast(w, r)
	defer cancel()
	from, person, err := s.resolve(ctx, f)
	if err != nil {
		return view{}, err
	}
	plan, err := from.Plan(ctx, []*people.Person{person})
	if plan.Counts == nil {
		return view{}, err
	}
	d := erasureData{Form: f, Workspace: person.Workspace, Identifiers: shortTexts(person.Identifiers), Further: shortTexts(person.Further), Counts: plan.Counts[0], Effects: plan.Effects, HasKey: s.cfg.PrivacyKey != nil}
	d.Absent = len(people.Absent(plan.Counts)) > 0
	for _, other := range person.Others {
		d.Others = append(d.Others, shortTexts(other))
	}
	if err == nil {
		d.NeedsDrop = errors.Is(plan.Check(people.Consent{Many: true}), people.ErrEffects)
		d.NeedsMany = errors.Is(plan.Check(people.Consent{DropEffects: true}), people.ErrMany)
		err = plan.Check(people.Consent{Many: true, DropEffects: true})
	}
	if err != nil {
		d.Problem = err.Error()
	}
	return view{file: "erasure", data: d}, nil
}

func shortTexts(ids []privacy.Identifier) (list []string) {
	for _, id := range ids {
		list = append(list, string(id.Kind)+" "+personText(id))
	}
	return list
}

// erasePerson erases the person whose identifier was typed again. An erasure goes on when
// its page is closed, and ends with the console; a second one finishes it.
func (s *Server) erasePerson(w http.ResponseWriter, r *http.Request) (view, error) {
	f, err := s.personForm(r)
	if err != nil {
		return view{}, err
	}
	id, err := f.identifier()
	if err != nil {
		return view{}, err
	}
	if again, err := privacy.ParseIdentifier(id.Kind, r.PostFormValue("confirm")); err != nil || again != id {
		return view{}, &operate.InputError{Field: "confirm", Err: errors.New("the identifier is not the one of the plan: nothing was erased")}
	}
	if s.cfg.PrivacyKey == nil {
		return view{}, &operate.InputError{Field: "PRIVACY_KEY", Err: people.ErrNoKey}
	}
	_, done := outlast(w, r)
	defer done()
	ctx, cancel := context.WithTimeout(s.life, personLimit)
	defer cancel()
	receipt, err := s.erase(ctx, r, f)
	if err != nil {
		return view{}, err
	}
	s.receipts.add(receipt)
	s.audit(r, "erased person", "receipt="+receipt.Request, 1)
	return view{file: "receipt", data: receipt}, nil
}

func (s *Server) erase(ctx context.Context, r *http.Request, f personForm) (*people.Receipt, error) {
	from, person, err := s.resolve(ctx, f)
	if err != nil {
		return nil, err
	}
	plan, err := from.Plan(ctx, []*people.Person{person})
	if err != nil {
		return nil, err
	}
	orders := people.Orders{Now: time.Now(), Rows: r.PostFormValue("rows") != ""}
	orders.Many, orders.DropEffects = r.PostFormValue("many") != "", r.PostFormValue("drop") != ""
	if err := plan.Check(orders.Consent); err != nil {
		return nil, &operate.InputError{Field: "person", Err: fmt.Errorf("nothing was erased: %w", err)}
	}
	s.audit(r, "erase person", s.markOf(f), 1)
	receipt, err := from.Erase(ctx, plan, orders)
	if errors.Is(err, people.ErrNotBegun) {
		return nil, err
	}
	if err != nil {
		return nil, fmt.Errorf("the erasure is not complete, repeat it to go on: %w", err)
	}
	return receipt, nil
}
