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

// A session is a set of connections that append rows of one layout. It lives
// until its first error that is not about rows: a managed stream keeps a refused
// descriptor and a failed connection for good, and goes on with an append that
// nobody waits for any more.
type session struct {
	client  *managedwriter.Client
	cancel  context.CancelFunc
	streams []*managedwriter.ManagedStream
	layout  *layout
	since   time.Time
	missing bool        // whether the layout leaves out columns that we know
	updated atomic.Bool // whether the Write API has noticed another schema
	// witness is a row that this session has stored.
	witness atomic.Pointer[[]byte]
}

// connect makes a session for the columns that the Write API knows, less those
// of without. It fails while BigQuery is away, at the latest when ctx ends.
func connect(ctx context.Context, cfg *Config, columns []warehouse.Column, without map[string]bool) (*session, error) {
	// The streams live as long as the context that they are made with.
	life, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, cancel)
	s, err := open(ctx, life, cfg, columns, without)
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

func open(ctx, life context.Context, cfg *Config, columns []warehouse.Column, without map[string]bool) (s *session, err error) {
	s = &session{since: time.Now()}
	if s.client, err = newWriter(life, cfg); err != nil {
		return s, err
	}
	table := managedwriter.TableParentFromParts(cfg.Project, cfg.Dataset, Raw)
	present, err := s.present(ctx, table)
	if err != nil {
		return s, err
	}
	used, err := usable(columns, present, without)
	if err != nil {
		return s, err
	}
	s.missing = len(used) < len(columns)
	if s.layout, err = newLayout(used); err != nil {
		return s, err
	}
	for range cfg.Connections {
		// No EnableWriteRetries: a client that is closed while an append waits for
		// its retry panics (v1.86.2, ManagedStream.appendWithRetry and processRetry
		// both finish it). Write repeats what failed.
		stream, err := s.client.NewManagedStream(life, managedwriter.WithType(managedwriter.DefaultStream),
			managedwriter.WithDestinationTable(table), managedwriter.WithSchemaDescriptor(s.layout.descriptor))
		if err != nil {
			return s, judge(err)
		}
		s.streams = append(s.streams, stream)
	}
	return s, nil
}

// usable returns the columns less those that are not present and those of
// without. An event without its key would be lost in the table, so required
// columns are waited for.
func usable(columns []warehouse.Column, present, without map[string]bool) ([]warehouse.Column, error) {
	var used []warehouse.Column
	for _, c := range columns {
		switch {
		case present[c.Name] && (c.Required || !without[c.Name]):
			used = append(used, c)
		case c.Required:
			return nil, fmt.Errorf("%w: %s", errNoKey, c.Name)
		}
	}
	return used, nil
}

// present asks for the columns that the Write API knows. It does not repeat the
// call, so that an outage has its error, and not the one of a deadline.
func (s *session) present(ctx context.Context, table string) (map[string]bool, error) {
	once := gax.WithRetry(func() gax.Retryer { return nil })
	stream, err := s.client.GetWriteStream(ctx, &storagepb.GetWriteStreamRequest{
		Name: table + "/streams/_default", View: storagepb.WriteStreamView_FULL,
	}, once)
	if err != nil {
		return nil, judge(err)
	}
	columns := map[string]bool{}
	for _, f := range stream.GetTableSchema().GetFields() {
		columns[f.GetName()] = true
	}
	return columns, nil
}

// outdated reports whether another session may write more columns.
func (s *session) outdated(now time.Time, wait time.Duration) bool {
	return s.missing && (s.updated.Load() || now.Sub(s.since) > wait)
}

// close gives up whatever is under way.
func (s *session) close() {
	s.cancel() // first: closing would wait for a connection that is being made
	if s.client != nil {
		_ = s.client.Close()
	}
}

// send appends the chunk's rows, and leaves in it those that are not stored.
// Rows that BigQuery refuses are taken out, and the rest is sent again: a request
// is stored as a whole or not at all.
func (s *session) send(ctx context.Context, number int, c *chunk) error {
	for len(c.rows) > 0 {
		refused, err := s.appendRows(ctx, number, c.rows)
		switch err = judge(err); {
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

// appendRows returns the errors of rows when there are such, and nothing was
// stored then.
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
