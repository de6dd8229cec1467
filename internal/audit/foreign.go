package audit

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
)

// sampleSize is the number of deliveries that checkKey looks up at most.
const sampleSize = 10

// A sample has some random ids of the deliveries with a row in the period.
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
// the workspaces. Fewer than sampleSize deliveries may all belong to deleted persons.
func (a *auditor) checkKey(ctx context.Context) error {
	slices.Sort(a.sample.ids)
	ids := slices.Compact(a.sample.ids)
	if len(ids) < sampleSize {
		return nil
	}
	for _, id := range ids {
		if known, err := a.App.HasDelivery(ctx, id); err != nil || known {
			return err
		}
	}
	return fmt.Errorf("none of %d deliveries that the warehouse has of this period is known to Customer.io: is the App API key the key of workspace %s?"+
		" If it is, choose another --since: Customer.io has deleted these deliveries, or they were never there", len(ids), a.Workspace)
}
