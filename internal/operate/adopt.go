package operate

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/warehouse/place"
)

// An Adoption links a warehouse's consumer to another store.
type Adoption struct {
	Consumer string `json:"consumer"`
	// From is the present store of the consumer. The ID is "" before a worker links a
	// store.
	From stream.Store `json:"from"`
	// To is the store after the adoption.
	To stream.Store `json:"to"`
	// Settled is the sequence up to which the consumer has settled its events. Unless
	// somebody has copied the old warehouse, To lacks these events.
	Settled uint64 `json:"settled"`
	// Empty reports that the store To has no event.
	Empty bool `json:"empty"`
	// Missing reports that the file or the folder of To does not exist: Adopt creates it.
	Missing bool `json:"missing,omitempty"`
}

// Changes reports whether the adoption changes the store of the consumer.
func (a *Adoption) Changes() bool { return a.Missing || a.From.ID != a.To.ID }

// ErrNoConsumer reports that no worker has opened the consumer yet: a worker links its
// own store when it creates the consumer.
var ErrNoConsumer = errors.New("no worker has opened the consumer yet")

// PlaceOf returns the warehouse of the consumer, or an InputError.
func PlaceOf(places []place.Place, consumer string) (place.Place, error) {
	var names []string
	for _, p := range places {
		if p.Consumer == consumer {
			return p, nil
		}
		names = append(names, p.Consumer)
	}
	return place.Place{}, &InputError{"consumer", fmt.Errorf("%q fills no warehouse of %s: want one of %s", consumer, place.Setting, Words(names))}
}

// PlanAdoption opens the warehouse as Migrate does, and reads the present store of the
// warehouse's consumer. PlanAdoption does not change the consumer, and does not create a
// missing file or folder: the path may be mistyped. The error of a store that rows do not
// reach yet names the time from which they do.
func PlanAdoption(ctx context.Context, conn *stream.Conn, p place.Place) (*Adoption, error) {
	link, err := conn.StoreLink(ctx, p.Consumer)
	if err != nil {
		return nil, err
	}
	if !link.Exists {
		return nil, fmt.Errorf("consumer %s: %w", p.Consumer, ErrNoConsumer)
	}
	a := &Adoption{
		Consumer: p.Consumer, From: link.Store, To: stream.Store{Place: p.Where()},
		Settled: link.Settled, Empty: true, Missing: p.Missing(),
	}
	if !a.Missing {
		if err := a.open(ctx, p); err != nil {
			return nil, err
		}
	}
	if a.Empty {
		a.To.Lacks = a.Settled
	}
	return a, nil
}

// open reads the id of the warehouse's store, and creates a missing warehouse.
func (a *Adoption) open(ctx context.Context, p place.Place) error {
	store, err := p.Store(ctx)
	if err != nil {
		return fmt.Errorf("open warehouse %s: %w", p.Where(), err)
	}
	a.To.ID, a.Empty, a.Missing = store.ID, store.Empty, false
	if a.recreates() && time.Now().Before(store.ReachedFrom) {
		return fmt.Errorf("warehouse %s was created a short time ago, and its events may still go to a deleted store of the same name: adopt the warehouse after %s. The events wait in the stream",
			p.Where(), store.ReachedFrom.UTC().Format(time.DateTime+" UTC"))
	}
	return nil
}

// recreates reports whether the new store may have replaced a store of the same name.
func (a *Adoption) recreates() bool {
	return a.Changes() && (a.From.Place == a.To.Place || a.From.Place == "")
}

// Adopt links the consumer as planned for the warehouse, and creates a missing
// warehouse. A worker with the new store begins to fetch within
// seconds, and a worker with the old store stops.
func Adopt(ctx context.Context, conn *stream.Conn, p place.Place, a *Adoption) error {
	if a.Missing {
		if err := a.open(ctx, p); err != nil {
			return err
		}
	}
	return conn.SetStore(ctx, a.Consumer, a.To)
}
