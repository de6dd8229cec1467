package audit

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
)

const (
	// lookups is the number of deliveries that checkKey looks up at most.
	lookups = 10
	// sampleSize is ten times as many, because a delivery has several rows.
	sampleSize = 10 * lookups
)

// A sample has the ids of some random rows of the period.
type sample struct {
	ids  []string
	seen int
}

// add adds an id with a probability that is the same for each row (Vitter's Algorithm R).
func (s *sample) add(id string) {
	s.seen++
	if len(s.ids) < sampleSize {
		s.ids = append(s.ids, id)
	} else if i := rand.N(s.seen); i < sampleSize {
		s.ids[i] = id
	}
}

// checkKey returns an error when Customer.io knows none of the deliveries in the warehouse.
// With the key of another workspace everything would be missing, and a backfill would mix
// the workspaces. Fewer than ten deliveries may all belong to deleted persons.
func (a *auditor) checkKey(ctx context.Context) error {
	slices.Sort(a.sample.ids)
	ids := slices.Compact(a.sample.ids)
	if len(ids) < lookups {
		return nil
	}
	rand.Shuffle(len(ids), func(i, j int) { ids[i], ids[j] = ids[j], ids[i] })
	ids = ids[:lookups]
	for _, id := range ids {
		if known, err := a.App.HasDelivery(ctx, id); err != nil || known {
			return err
		}
	}
	return fmt.Errorf("none of %d deliveries that the warehouse has of this period is known to Customer.io: is the App API key the key of workspace %s?"+
		" If it is, choose another --since: Customer.io has deleted these deliveries, or they were never there", len(ids), a.Workspace)
}
