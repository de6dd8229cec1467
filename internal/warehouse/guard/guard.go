// Package guard decides what a warehouse may know about a person. On the way into a
// warehouse, rows of erased persons lose their personal data, and a policy hashes or drops
// columns of all rows.
package guard

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"github.com/cioevents/cioevents/internal/fault"
	"github.com/cioevents/cioevents/internal/privacy"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/pkg/webhook"
)

// lookEvery is the pause between two looks at the list of erased persons. A look at an
// unchanged list is one small request.
const lookEvery = 2 * time.Second

// Config configures a Guard.
type Config struct {
	// ReadMarks reads the marks of erased persons: stream.Conn.ReadMarks.
	ReadMarks func(ctx context.Context, known *stream.Marks) (*stream.Marks, error)
	// Key has the secret of the marks. The zero Key is enough while nobody is erased.
	Key privacy.Key
	// Policy is applied to the rows of everybody. Default nil: the rows stay as they are.
	Policy *Policy
	// Log gets a line when the list becomes readable or unreadable, and never a mark.
	Log zerolog.Logger
	// Now is the clock. Default time.Now.
	Now func() time.Time
}

// A Guard keeps the list of erased persons in memory. While the list cannot be read, the
// guard lets no row through: the row might be an erased person's.
type Guard struct {
	cfg  Config
	seen atomic.Pointer[look]

	// The fields below belong to Run.

	marks    *stream.Marks
	lastText string // of the last logged error
}

// A look is the result of the last look at the list.
type look struct {
	list *privacy.List // nil while the guard lets no row through
	err  error         // why list is nil
	at   time.Time
}

var errNotRead = errors.New("the list of erased persons is not read yet")

// New returns a guard. Run and Read read the list.
func New(cfg Config) *Guard {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	g := &Guard{cfg: cfg}
	g.seen.Store(&look{err: errNotRead, at: cfg.Now()})
	return g
}

// Run follows the list of erased persons until ctx ends.
func (g *Guard) Run(ctx context.Context) {
	t := time.NewTicker(lookEvery)
	defer t.Stop()
	for {
		g.look(ctx)
		select {
		case <-t.C:
		case <-ctx.Done():
			return
		}
	}
}

// Read reads the list once. Do not call Read while Run runs. The error says why the list
// cannot be used.
func (g *Guard) Read(ctx context.Context) error {
	g.look(ctx)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return g.Ready()
}

// look reads a changed list. A failed request keeps the last list, which list refuses when
// it is too old.
func (g *Guard) look(ctx context.Context) {
	asked := g.cfg.Now()
	marks, err := g.cfg.ReadMarks(ctx, g.marks)
	last := g.seen.Load()
	switch {
	case ctx.Err() != nil:
		return
	case err != nil && last.list != nil:
		g.log(err)
		return
	case err == nil && marks == g.marks && last.list != nil:
		g.seen.Store(&look{list: last.list, at: asked})
		if g.lastText != "" {
			g.log(nil) // readable again
		}
		return
	case err == nil && marks.Missing && g.marks != nil && len(g.marks.List) > 0:
		err = fmt.Errorf("%w: somebody has deleted the bucket with the marks of erased persons. Restore the backup, or restart the worker to go on with an empty list", stream.ErrNoErased)
	}
	var list *privacy.List
	if err == nil {
		g.marks = marks
		list, err = privacy.NewList(g.cfg.Key, marks.List)
	}
	g.seen.Store(&look{list: list, err: err, at: asked})
	g.log(err)
}

// log logs the first of several equal errors.
func (g *Guard) log(err error) {
	text := ""
	if err != nil {
		text = err.Error()
	}
	if text != g.lastText && err != nil {
		g.cfg.Log.Warn().Err(err).Msg("list of erased persons not usable, retrying: nothing is written to a warehouse meanwhile")
	}
	if err == nil && g.marks != nil && len(g.marks.List) > 0 {
		g.cfg.Log.Info().Int("marks", len(g.marks.List)).Msg("list of erased persons read")
	}
	g.lastText = text
}

// Ready returns nil while rows may pass, and otherwise why not.
func (g *Guard) Ready() error {
	_, err := g.list()
	return err
}

// list returns the list, unless the list is older than stream.MarksWithin.
func (g *Guard) list() (*privacy.List, error) {
	last := g.seen.Load()
	switch age := g.cfg.Now().Sub(last.at); {
	case last.list == nil:
		return nil, last.err
	case age > stream.MarksWithin:
		return nil, fmt.Errorf("the list of erased persons was last read %s ago: is NATS reachable?", age.Round(time.Second))
	default:
		return last.list, nil
	}
}

// IsErased reports whether an event is an erased person's. The error is that of Ready.
func (g *Guard) IsErased(workspace string, e *webhook.Event) (bool, error) {
	list, err := g.list()
	if err != nil {
		return false, err
	}
	return list.Has(workspace, e), nil
}

// Apply erases the rows of erased persons, and applies the policy to other rows. The error is an outage: the caller must not write
// the rows, and calls Apply again later.
func (g *Guard) Apply(rows []warehouse.Row) error {
	list, err := g.list()
	if err != nil {
		return fault.Outage(time.Second, err)
	}
	now := g.cfg.Now().UTC()
	for i := range rows {
		if r := &rows[i]; list.Has(r.Workspace, &r.Event) {
			r.Erase(now)
		} else {
			g.cfg.Policy.Apply(r)
		}
	}
	return nil
}
