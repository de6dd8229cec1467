package duckdb

import (
	"context"
	"fmt"

	"github.com/cioevents/cioevents/internal/warehouse"
)

// storeTable, in the schema of the events, has one row: the id of the store.
const storeTable = "customerio_store"

// Store implements warehouse.Identity. The lease of the file lets one caller at a time
// look for the id and insert an id.
func (s *Sink) Store(ctx context.Context) (store warehouse.Store, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.release()
	err = s.withMemory(ctx, func() error {
		store, err = s.file.store(ctx)
		return err
	})
	if err != nil {
		return warehouse.Store{}, fmt.Errorf("read store id: %w", err)
	}
	return store, nil
}

func (f *file) store(ctx context.Context) (store warehouse.Store, err error) {
	const table = warehouse.DefaultSchema + "." + storeTable
	// A single statement creates the table with its row: a crash leaves no empty table.
	create := "CREATE TABLE IF NOT EXISTS " + table + " AS SELECT '" + warehouse.NewStoreID() + "' AS id, now() AS created_at"
	if err := f.exec(ctx, create, "CHECKPOINT"); err != nil { // as after the statements of Open
		return store, err
	}
	const read = "SELECT (SELECT id FROM " + table + "), NOT EXISTS (FROM " + eventsTable + ")"
	return store, f.conn.QueryRowContext(ctx, read).Scan(&store.ID, &store.Empty)
}
