package warehouse

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"time"
)

// A Store is the place where a warehouse keeps its rows: a DuckDB file, a folder of
// Parquet files, a table of BigQuery. Two stores can have the same URL, as the volumes
// of two pods have.
type Store struct {
	// ID is random. A moved store keeps its id, and a recreated store gets a new id.
	ID string
	// Empty reports that the store has no event.
	Empty bool
	// ReachedFrom is the time from which rows reach the store if it has replaced a store
	// of the same name. Before, the rows may be lost. Zero if the rows reach it at once.
	ReachedFrom time.Time
}

// ErrNoCredentials is the error of a sink without credentials for its warehouse. A program
// that still lacks them after a minute should end: only a restart may find them.
var ErrNoCredentials = errors.New("no credentials")

// ErrRecreated is the error of a sink whose store somebody has replaced. Rows may be lost,
// and the sink holds until the caller closes it and reads the new store. Only BigQuery
// returns ErrRecreated.
var ErrRecreated = errors.New("the warehouse was created again")

// Identity tells stores apart. Every sink implements Identity, and package
// warehousetest has the suite.
type Identity interface {
	// Store returns the store of the sink. The caller calls Store after a successful
	// Open. A store without an id gets a durable new id. All callers on a store get the
	// same id, even simultaneous callers.
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
