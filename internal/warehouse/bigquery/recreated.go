package bigquery

import (
	"context"
	"fmt"
	"time"

	bq "cloud.google.com/go/bigquery"

	"github.com/cioevents/cioevents/internal/warehouse"
)

// staleWait is how long after a recreation BigQuery may store rows in the deleted table.
// Google's page says minutes
// (https://cloud.google.com/bigquery/docs/troubleshoot-storage-api, "Metadata errors for
// streaming inserts"), and an engineer of Google 10 minutes
// (https://github.com/googleapis/google-cloud-go/issues/876).
const staleWait = 10 * time.Minute

// checkTable returns warehouse.ErrRecreated when the table is not the table of the first
// check. The answers of the Write API do not tell: BigQuery acknowledges rows for the
// deleted table, too. GetWriteStream has the time of creation, but shares the late
// metadata of the Write API, so checkTable asks the REST API.
func (s *Sink) checkTable(ctx context.Context) error {
	s.checked = false
	if s.tables == nil {
		// The client outlives the call.
		client, err := newTables(context.WithoutCancel(ctx), &s.cfg)
		if err != nil {
			return err
		}
		s.tables = client
	}
	meta, err := s.tables.Dataset(s.cfg.Dataset).Table(Raw).Metadata(ctx, bq.WithMetadataView(bq.BasicMetadataView))
	if err != nil {
		return fmt.Errorf("read table %s: %w", Raw, err)
	}
	return s.pin(meta.CreationTime)
}

// pin keeps the time of creation of the first table. The error tells of another table.
func (s *Sink) pin(created time.Time) error {
	if s.created.IsZero() {
		s.created = created
	}
	if !created.Equal(s.created) {
		return fmt.Errorf("%w: the table %s was created again at %s, and BigQuery may store rows in the deleted table for %s",
			warehouse.ErrRecreated, Raw, created.UTC().Format(time.DateTime), staleWait)
	}
	s.checked = true
	return nil
}
