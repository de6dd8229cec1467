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
}

// Changes reports whether the adoption changes the store of the consumer.
func (a *Adoption) Changes() bool { return a.From.ID != a.To.ID }

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
// warehouse's consumer. PlanAdoption does not change the consumer. The error of a store
// that rows do not reach yet names the time from which they do.
func PlanAdoption(ctx context.Context, conn *stream.Conn, p place.Place) (*Adoption, error) {
	link, err := conn.StoreLink(ctx, p.Consumer)
	if err != nil {
		return nil, err
	}
	if !link.Exists {
		return nil, fmt.Errorf("consumer %s: %w", p.Consumer, ErrNoConsumer)
	}
	store, err := p.Store(ctx)
	if err != nil {
		return nil, fmt.Errorf("open warehouse %s: %w", p.Where(), err)
	}
	a := &Adoption{
		Consumer: p.Consumer, From: link.Store, To: stream.Store{ID: store.ID, Place: p.Where()},
		Settled: link.Settled, Empty: store.Empty,
	}
	if a.Empty {
		a.To.Lacks = a.Settled
	}
	if a.recreates() && time.Now().Before(store.ReachedFrom) {
		return nil, fmt.Errorf("warehouse %s was created a short time ago, and its events may still go to a deleted store of the same name: adopt the warehouse after %s. The events wait in the stream",
			p.Where(), store.ReachedFrom.UTC().Format(time.DateTime+" UTC"))
	}
	return a, nil
}

// recreates reports whether the new store may have replaced a store of the same name.
func (a *Adoption) recreates() bool {
	return a.Changes() && (a.From.Place == a.To.Place || a.From.Place == "")
}

// Adopt links the consumer as planned. A worker with the new store begins to fetch within
// seconds, and a worker with the old store stops.
func Adopt(ctx context.Context, conn *stream.Conn, a *Adoption) error {
	return conn.SetStore(ctx, a.Consumer, a.To)
}
