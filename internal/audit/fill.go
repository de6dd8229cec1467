package audit

import (
	"context"
	"errors"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/pkg/webhook"
)

// A Publisher stores backfilled events, as stream.Publisher does.
type Publisher interface {
	Backfill(ctx context.Context, m *event.Message) (duplicate bool, err error)
}

// A Filled is the outcome of Fill.
type Filled struct {
	Workspace string    `json:"workspace"`
	Since     time.Time `json:"since"`
	Until     time.Time `json:"until"`
	// Missing counts the events that Customer.io has and the warehouse and the stream lack,
	// and Metrics splits the number by metric.
	Missing int                    `json:"missing"`
	Metrics map[webhook.Metric]int `json:"metrics"`
	// Stored counts the events that the stream has stored, of which Repeated were there
	// before. Both are 0 without a publisher.
	Stored   int `json:"stored"`
	Repeated int `json:"repeated"`
	// InStream counts events of the stream without a row. A replay stores their rows.
	InStream int `json:"in_stream"`
	// Erased counts events that are left out, because their person was erased.
	Erased int `json:"erased"`
	// Waiting counts metrics whose event is in the stream and has no row yet, such as those of
	// an interrupted backfill.
	Waiting int `json:"waiting"`
}

// fillConcurrency is the number of events whose storing Fill awaits at a time.
const fillConcurrency = 256

// Fill compares as Run does, and stores an event for each metric that Customer.io has and
// neither the warehouse nor the stream. Fill stores no event of an erased person. A nil
// publisher counts and stores nothing. App, Stream and Erased of the order are required;
// Fill replaces Missing. The caller has called stream.Conn.CheckBackfill.
//
// Fill can be repeated, also after a crash: what the stream has stored is not missing any
// more. After an error, the result has the counts until then.
func Fill(ctx context.Context, o Order, pub Publisher) (*Filled, error) {
	if o.App == nil || o.Stream == nil || o.Erased == nil {
		return nil, errors.New("a backfill needs an App API key, the stream and the list of erased persons")
	}
	f := &Filled{Workspace: o.Workspace, Since: o.Since.UTC(), Until: o.Until.UTC(), Metrics: map[webhook.Metric]int{}}
	g, storing := errgroup.WithContext(ctx)
	g.SetLimit(fillConcurrency)
	var mu sync.Mutex
	o.Missing = func(gap Gap) error {
		if gap.Delivery == nil {
			f.InStream++
			return nil
		}
		f.Missing++
		f.Metrics[gap.Metric]++
		if pub == nil {
			return nil
		}
		m, err := gap.message(o.Workspace, time.Now())
		if err != nil {
			return err
		}
		g.Go(func() error {
			repeated, err := pub.Backfill(storing, m)
			if err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			f.Stored++
			if repeated {
				f.Repeated++
			}
			return nil
		})
		return storing.Err()
	}
	r, err := Run(ctx, o)
	if failed := g.Wait(); failed != nil {
		err = failed // has ended the run
	}
	if r != nil {
		f.Waiting, f.Erased = r.Customerio.Waiting, r.Customerio.Erased
	}
	return f, err
}
