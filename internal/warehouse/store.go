package warehouse

import (
	"context"
	"crypto/rand"
	"encoding/hex"
)

// A Store is the place where a warehouse keeps its rows: a DuckDB file, a folder of
// Parquet files, a table of BigQuery. Two stores can have the same URL, as the volumes
// of two pods have.
type Store struct {
	// ID is random. The store keeps the id: a store that moves has its old id, and a
	// store that was created again has a new id.
	ID string
	// Empty reports that the store has no event.
	Empty bool
}

// Identity is the part of a warehouse that tells stores apart. Every sink implements
// Identity, and package warehousetest has the suite.
type Identity interface {
	// Store returns the store of the sink. Store is called after a successful Open and
	// gives a store without an id a new id, which is durable when Store returns. All
	// callers on one store get the same id, also callers that come at the same moment.
	//
	// The caller repeats Store after an error, with a back-off.
	Store(ctx context.Context) (Store, error)
}

// NewStoreID returns a new random id: 32 characters 0-9 and a-f.
func NewStoreID() string {
	id := make([]byte, 16)
	_, _ = rand.Read(id) // never fails
	return hex.EncodeToString(id)
}
