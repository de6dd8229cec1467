package people

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/cioevents/cioevents/internal/privacy"
	"github.com/cioevents/cioevents/internal/stream"
)

// Orders are the choices of an erasure.
type Orders struct {
	Consent
	// Rows deletes the rows of the warehouses. Default: a row stays without personal data.
	Rows bool
	// Now is the time of the erasure.
	Now time.Time
}

// looks bounds how often the warehouses are erased and searched again: a row may have been
// on its way when its person was marked.
const looks = 3

// ErrNoKey reports that Config.Key is missing.
var ErrNoKey = errors.New("PRIVACY_KEY is not set: an erasure needs it to remember whom not to store again")

// ErrNotBegun reports that Erase could not begin: there is no mark and nothing to go on with.
var ErrNotBegun = errors.New("nothing was erased")

// Erase erases the persons of a plan, in this order: put marks on the list of erased
// persons, wait until the consumers of the warehouses have passed every message that came
// before the marks, erase in the stream, in the dead letters and in the warehouses, look
// again everywhere. After an interruption, a second call with the same persons finishes.
//
// The warehouses are last: they tell which identifiers belong to a person. A store that
// fails does not keep the others from being erased. The receipt says which has failed.
func (p *People) Erase(ctx context.Context, plan *Plan, o Orders) (*Receipt, error) {
	if p.cfg.Key == nil {
		return nil, ErrNoKey
	}
	if err := plan.Check(o.Consent); err != nil {
		return nil, err
	}
	r, newest, err := p.mark(ctx, plan.Persons, o.Now)
	if err != nil {
		return nil, err
	}
	r.Rows = o.Rows
	if err := p.await(ctx, o.Now.Sub(newest)); err != nil {
		return nil, err
	}
	p.dead.Keeps = nil
	if !o.DropEffects {
		p.dead.Keeps = hasEffect // a dead letter that came after the plan
	}
	r.DroppedEffects = len(plan.Effects)
	for i, s := range p.stores() {
		all := total(plan.Counts, i)
		store := StoreReceipt{Store: s.Name(), Found: all.Events, Stay: all.Stay}
		p.eraseIn(ctx, s, plain(plan.Persons), o, &store)
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		r.Stores = append(r.Stores, store)
	}
	r.finish()
	return r, nil
}

// total sums up the events of all persons in a store.
func total(counts [][]StoreCount, store int) (sum StoreCount) {
	for _, c := range counts {
		sum.Events += c[store].Events
		sum.Stay += c[store].Stay
	}
	return sum
}

// eraseIn erases the persons in a store until a look finds nothing.
func (p *People) eraseIn(ctx context.Context, s privacy.Store, persons []privacy.Person, o Orders, r *StoreReceipt) {
	for range looks {
		progress := p.cfg.Step("erase in " + s.Name())
		e, err := s.Erase(ctx, persons, privacy.EraseOptions{Rows: o.Rows, At: o.Now, Progress: progress})
		r.add(e, err)
		if err != nil || ctx.Err() != nil {
			return
		}
		p.cfg.Step("look again in " + s.Name())
		left, err := s.Find(ctx, persons)
		if err != nil {
			r.Status, r.Note = Failed, fmt.Sprintf("look again: %v", err)
			return
		}
		r.Left = 0
		for _, f := range left {
			r.Left += f.Events
		}
		if r.Left == 0 || e.NotClean {
			return
		}
	}
	r.Status, r.Note = NotClean, "Rows of the person keep arriving. Run the command again."
}

// mark puts the identifiers on the list of erased persons, and returns the time of the
// newest entry. After an interruption the request goes on under its id.
func (p *People) mark(ctx context.Context, persons []*Person, now time.Time) (r *Receipt, newest time.Time, err error) {
	p.cfg.Step("mark the person as erased")
	known, err := p.list(ctx)
	if err == nil { // a single mark of another secret would stop every worker's warehouses
		err = p.checkKey(slices.Collect(maps.Values(known)))
	}
	if err != nil {
		return nil, newest, fmt.Errorf("%w: %w", ErrNotBegun, err)
	}
	r = &Receipt{At: now.UTC()}
	var all []privacy.Erasure
	for i, person := range persons {
		marked := MarkedPerson{Workspace: person.Workspace}
		for _, id := range person.Identifiers {
			e := privacy.Erasure{Mark: p.cfg.Key.Mark(person.Workspace, id), Person: i, Workspace: person.Workspace, Kind: id.Kind, At: r.At}
			marked.Marks, all = append(marked.Marks, Mark{id.Kind, e.Mark}), append(all, e)
		}
		for _, id := range person.Further {
			marked.Further = append(marked.Further, Mark{id.Kind, p.cfg.Key.Mark(person.Workspace, id)})
		}
		r.Persons = append(r.Persons, marked)
	}
	r.Request = requestOf(all, known, now)
	var add []privacy.Erasure
	for _, e := range all {
		e.Request = r.Request
		if before, ok := known[e.Mark]; ok && before.Request == e.Request {
			e.At = before.At
		} else {
			add = append(add, e)
		}
		newest = later(newest, e.At)
	}
	return r, newest, p.cfg.Conn.AddErased(ctx, add)
}

// requestOf returns the request of the entries that are on the list, and a new one if none
// is, or if they do not belong to one request and to the same persons.
func requestOf(all []privacy.Erasure, known map[string]privacy.Erasure, now time.Time) string {
	request := ""
	for _, e := range all {
		before, ok := known[e.Mark]
		switch {
		case !ok:
		case before.Person != e.Person || request != "" && before.Request != request:
			return newRequestID(now)
		default:
			request = before.Request
		}
	}
	return cmp.Or(request, newRequestID(now))
}

// list returns the list of erased persons by mark.
func (p *People) list(ctx context.Context) (map[string]privacy.Erasure, error) {
	all, err := p.cfg.Conn.ListErased(ctx)
	if err != nil && !errors.Is(err, stream.ErrNoErased) {
		return nil, err
	}
	known := make(map[string]privacy.Erasure, len(all))
	for _, e := range all {
		known[e.Mark] = e
	}
	return known, nil
}

func newRequestID(now time.Time) string {
	return "erase-" + now.UTC().Format("20060102-150405-") + strings.ToLower(rand.Text()[:4])
}
