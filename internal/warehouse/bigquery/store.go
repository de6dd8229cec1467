package bigquery

import (
	"context"
	"fmt"

	bq "cloud.google.com/go/bigquery"

	"github.com/cioevents/cioevents/internal/warehouse"
)

// storeLabel is the label of the table with the id of the store. roles/bigquery.dataEditor
// lacks the permission to label the dataset. Google allows 63
// characters for a label (https://cloud.google.com/bigquery/docs/labels-intro).
const storeLabel = "cioevents_store"

// Store implements warehouse.Identity. A recreated table is another store.
func (s *Sink) Store(ctx context.Context) (warehouse.Store, error) {
	ctx, done := s.turn(ctx)
	defer done()
	if err := s.checkTable(ctx); err != nil {
		return warehouse.Store{}, explain(&s.cfg, err)
	}
	store, err := labelled(ctx, s.tables.Dataset(s.cfg.Dataset).Table(Raw))
	if err == nil {
		err = s.checkTable(ctx)
	}
	if err != nil {
		return warehouse.Store{}, explain(&s.cfg, fmt.Errorf("read store id: %w", err))
	}
	store.ReachedFrom = s.created.Add(staleWait)
	return store, nil
}

// labelled returns the store of the table. The etag lets the first of several writers
// win, and the others read the label again.
func labelled(ctx context.Context, t *bq.Table) (store warehouse.Store, err error) {
	err = update(func() error {
		meta, err := t.Metadata(ctx)
		if err != nil {
			return err
		}
		// NumRows lacks the rows of the streaming buffer, which stay there for up to 90
		// minutes.
		store = warehouse.Store{ID: meta.Labels[storeLabel], Empty: meta.NumRows == 0 && meta.StreamingBuffer == nil}
		if store.ID != "" {
			return nil
		}
		store.ID = warehouse.NewStoreID()
		var change bq.TableMetadataToUpdate
		change.SetLabel(storeLabel, store.ID)
		_, err = t.Update(ctx, change, meta.ETag)
		return err
	})
	return store, err
}
