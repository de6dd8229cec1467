package bigquery

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"cloud.google.com/go/bigquery/storage/apiv1/storagepb"
	"cloud.google.com/go/bigquery/storage/managedwriter"
	"github.com/googleapis/gax-go/v2"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/cioevents/cioevents/internal/warehouse"
)

// A session is a set of connections for rows of one layout. Any error that is not
// about rows ends the session, for two reasons. A managed stream never recovers from
// a refused descriptor or a failed connection. A managed stream also continues an
// append after the caller has stopped waiting.
type session struct {
	client  *managedwriter.Client
	cancel  context.CancelFunc
	streams []*managedwriter.ManagedStream
	layout  *layout
	since   time.Time
	missing bool        // whether the layout leaves out columns of this program
	updated atomic.Bool // whether the Write API has reported a changed schema
	// knownGoodRow is a row that this session has stored.
	knownGoodRow atomic.Pointer[[]byte]
}

// connect opens a session for the columns that the Write API knows, except the columns
// of omit. It fails while BigQuery is unreachable, at the latest when ctx ends.
func connect(ctx context.Context, cfg *Config, columns []warehouse.Column, omit map[string]bool) (*session, error) {
	// A stream ends with the context of its creation, so ctx itself is too short.
	life, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, cancel)
	s, err := open(ctx, life, cfg, columns, omit)
	s.cancel = cancel
	if !stop() {
		err = fmt.Errorf("%w: %w", context.Cause(ctx), cmp.Or(err, errBroken))
	}
	if err != nil {
		s.close()
		return nil, fmt.Errorf("connect to the Write API: %w", err)
	}
	return s, nil
}

func open(ctx, life context.Context, cfg *Config, columns []warehouse.Column, omit map[string]bool) (s *session, err error) {
	s = &session{since: time.Now()}
	if s.client, err = newWriter(life, cfg); err != nil {
		return s, err
	}
	table := managedwriter.TableParentFromParts(cfg.Project, cfg.Dataset, Raw)
	known, err := s.knownColumns(ctx, table)
	if err != nil {
		return s, err
	}
	used, err := usable(columns, known, omit)
	if err != nil {
		return s, err
	}
	s.missing = len(used) < len(columns)
	if s.layout, err = newLayout(used); err != nil {
		return s, err
	}
	for range cfg.Connections {
		// No EnableWriteRetries: a client panics when it is closed while an append
		// waits for its retry (v1.86.2: ManagedStream.appendWithRetry and processRetry
		// both finish the append). Write repeats failed appends itself.
		stream, err := s.client.NewManagedStream(life, managedwriter.WithType(managedwriter.DefaultStream),
			managedwriter.WithDestinationTable(table), managedwriter.WithSchemaDescriptor(s.layout.descriptor))
		if err != nil {
			return s, classify(err)
		}
		s.streams = append(s.streams, stream)
	}
	return s, nil
}

// usable returns the known columns, except the columns of omit. A missing required
// column is an error, and rows wait: nobody could find an event without its key in
// the table.
func usable(columns []warehouse.Column, known, omit map[string]bool) ([]warehouse.Column, error) {
	var used []warehouse.Column
	for _, c := range columns {
		switch {
		case known[c.Name] && (c.Required || !omit[c.Name]):
			used = append(used, c)
		case c.Required:
			return nil, fmt.Errorf("%w: %s", errNoKey, c.Name)
		}
	}
	return used, nil
}

// knownColumns returns the names of the columns that the Write API knows. The call is
// not retried: during an outage the caller then sees the error of the outage instead
// of a deadline.
func (s *session) knownColumns(ctx context.Context, table string) (map[string]bool, error) {
	once := gax.WithRetry(func() gax.Retryer { return nil })
	stream, err := s.client.GetWriteStream(ctx, &storagepb.GetWriteStreamRequest{
		Name: table + "/streams/_default", View: storagepb.WriteStreamView_FULL,
	}, once)
	if err != nil {
		return nil, classify(err)
	}
	columns := map[string]bool{}
	for _, f := range stream.GetTableSchema().GetFields() {
		columns[f.GetName()] = true
	}
	return columns, nil
}

// outdated reports whether a new session may know more columns.
func (s *session) outdated(now time.Time, wait time.Duration) bool {
	return s.missing && (s.updated.Load() || now.Sub(s.since) > wait)
}

// close cancels all calls and closes the connections.
func (s *session) close() {
	s.cancel() // first: Close would wait for a connection attempt
	if s.client != nil {
		_ = s.client.Close()
	}
}

// send appends the rows of the chunk. BigQuery stores a request as a whole or not at
// all: send removes refused rows and sends the rest again. After an error the chunk
// has the rows that are not stored.
func (s *session) send(ctx context.Context, number int, c *chunk) error {
	for len(c.rows) > 0 {
		refused, err := s.appendRows(ctx, number, c.rows)
		switch err = classify(err); {
		case errors.Is(err, errRefused):
			return s.search(ctx, number, c, err)
		case err != nil:
			return fmt.Errorf("append rows: %w", err)
		case len(refused) == 0:
			s.remember(c.rows[0])
			c.places, c.rows = c.places[:0], c.rows[:0]
			return nil
		}
		if err := c.reject(refused); err != nil {
			return err
		}
	}
	return nil
}

// appendRows returns the errors of refused rows. If there are any, BigQuery has stored
// no row of the request.
func (s *session) appendRows(ctx context.Context, number int, rows [][]byte) ([]*storagepb.RowError, error) {
	pending, err := s.streams[number%len(s.streams)].AppendRows(ctx, rows)
	if err != nil {
		return nil, err
	}
	response, err := pending.FullResponse(ctx)
	if response.GetUpdatedSchema() != nil {
		s.updated.Store(true)
	}
	if err != nil && status.Code(err) == codes.InvalidArgument && len(response.GetRowErrors()) > 0 {
		return response.GetRowErrors(), nil
	}
	return nil, err
}
