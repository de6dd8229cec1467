// Package bigquery writes rows to Google BigQuery for the worker, and runs queries for
// people. Write only appends to a table; a view over the table shows each event once.
package bigquery

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"sync"
	"time"

	bq "cloud.google.com/go/bigquery"
	"github.com/rs/zerolog"
	"google.golang.org/grpc/keepalive"

	"github.com/cioevents/cioevents/internal/warehouse"
)

// Raw is the name of the table that Write appends to. The table may have several
// rows of an event: query the view warehouse.Events instead.
const Raw = warehouse.Events + "_raw"

// Defaults of Config.
const (
	DefaultLocation    = "US" // BigQuery's own default
	DefaultConnections = 4
	DefaultTimeout     = 30 * time.Second

	DefaultMaxBytesBilled = 10 << 30
)

// Config configures a Sink. Project is required.
type Config struct {
	// Project is the id of the Google Cloud project of the dataset.
	Project string
	// Dataset is the name of the dataset of the table and the views. Default
	// "messaging".
	Dataset string
	// Location is the location of the dataset, such as EU. Open creates a missing dataset
	// there, and fails if the dataset is elsewhere. By default Open accepts any location,
	// and creates a missing dataset in DefaultLocation.
	Location string
	// Connections is the number of connections for a batch. Default 4: Google
	// promises 1 MB/s for a connection, some 1,500 rows, and measures 10 MB/s and
	// more.
	Connections int
	// Timeout bounds an Open or a Write. Default 30 s, twice the time that the
	// largest batch of a worker needs over one slow connection.
	Timeout time.Duration
	// NewColumnsWait is the pause before Write tries columns again that the Write
	// API did not know. Default 5 min: the Write API learns of new columns within
	// minutes.
	NewColumnsWait time.Duration
	// MaxBytesBilled is the number of bytes that a query of a Reader may cost at most.
	// BigQuery refuses a query that costs more, and charges nothing. Default 10 GiB, which
	// cost 0.06 dollars.
	MaxBytesBilled int64
	// GRPCEndpoint (host:port) and RESTEndpoint (URL) replace Google's servers. Set
	// both or neither. The connections use neither authentication nor TLS.
	GRPCEndpoint, RESTEndpoint string
	Log                        zerolog.Logger

	keepAlive    keepalive.ClientParameters // replaced by tests
	authenticate bool                       // set by tests: authenticate at RESTEndpoint, too
}

// keepAlive finds a connection that the network has lost without a reset: the client
// pings a connection without traffic every minute and closes the connection after 20 s
// without an answer. On Linux, gRPC also closes a connection when the other side has not
// confirmed sent bytes for these 20 s, so a Write does not wait for its whole timeout.
// Google's front ends allow a ping every 30 s
// (https://github.com/googleapis/java-bigtable/pull/528).
var keepAlive = keepalive.ClientParameters{Time: time.Minute, Timeout: 20 * time.Second}

// A Sink appends rows to BigQuery. It implements warehouse.Sink.
//
// The table has NULL for the time of an event when BigQuery has no partition for
// the time (see partitions). The payload keeps the time.
type Sink struct {
	cfg     Config
	columns []warehouse.Column

	mu        sync.Mutex // guards the fields below
	session   *session
	added     map[string]bool // columns that Open has added
	omitAdded bool            // whether rows leave out the added columns for now
	free      []*chunk        // reused by the next Write
	tables    *bq.Client      // nil before the first check of the table
	created   time.Time       // of the table that gets the rows, zero before the first check
	checked   bool            // whether the last check of the table has succeeded
}

// Google's rules for names. A valid name cannot end its quotes in SQL.
var (
	projectName = regexp.MustCompile(`^[a-z][a-z0-9.:-]*$`)
	datasetName = regexp.MustCompile(`^[A-Za-z0-9_]+$`)
	location    = regexp.MustCompile(`^[A-Za-z0-9-]*$`)
)

// New checks cfg and opens no connection.
func New(cfg Config) (*Sink, error) {
	cfg.Dataset = cmp.Or(cfg.Dataset, warehouse.DefaultSchema)
	cfg.Connections = cmp.Or(cfg.Connections, DefaultConnections)
	cfg.Timeout = cmp.Or(cfg.Timeout, DefaultTimeout)
	cfg.NewColumnsWait = cmp.Or(cfg.NewColumnsWait, 5*time.Minute)
	cfg.keepAlive = cmp.Or(cfg.keepAlive, keepAlive)
	if err := cfg.check(); err != nil {
		return nil, err
	}
	return &Sink{cfg: cfg, columns: warehouse.Columns()}, nil
}

func (c *Config) check() error {
	switch {
	case c.Project == "":
		return errors.New("project is missing: want bigquery://PROJECT/DATASET")
	case !projectName.MatchString(c.Project):
		return fmt.Errorf("project %q: want a project id such as my-project", c.Project)
	case !datasetName.MatchString(c.Dataset):
		return fmt.Errorf("dataset %q: want letters, digits and _", c.Dataset)
	case !location.MatchString(c.Location):
		return fmt.Errorf("location %q: want a location such as EU or europe-west1", c.Location)
	case c.Connections < 0:
		return fmt.Errorf("connections %d: want at least 1", c.Connections)
	case (c.GRPCEndpoint == "") != (c.RESTEndpoint == ""):
		return errors.New("only one endpoint is set: want both grpc and rest, or neither")
	}
	return nil
}

// Open implements warehouse.Sink.
func (s *Sink) Open(ctx context.Context) error {
	ctx, done := s.turn(ctx)
	defer done()
	added, err := migrate(ctx, s.cfg, s.columns)
	if err != nil {
		return explain(&s.cfg, err)
	}
	if len(added) > 0 {
		s.added = added
	}
	return nil
}

// turn waits until no other call uses the sink. Only then does the time of the call begin:
// the call before may take all of its own time.
func (s *Sink) turn(ctx context.Context) (context.Context, func()) {
	s.mu.Lock()
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	return ctx, func() {
		cancel()
		s.mu.Unlock()
	}
}

// Write implements warehouse.Sink. All accepted rows count as inserted, because
// Write only appends. After Config.Timeout without an answer, rows may be stored,
// may be stored later, or may be lost. Write sends a refused row once more with altered
// JSON, if that may help, before it rejects the row.
//
// Rows count as stored only if the table is afterwards the table of the sink's first
// Store or Write, until Close. Otherwise the error is warehouse.ErrRecreated. Each Write
// costs a tables.get for the check, of which Google allows an account 100 a second
// (https://cloud.google.com/bigquery/quotas#api_request_quotas). After a failed check, Write sends no rows
// before a check succeeds.
func (s *Sink) Write(ctx context.Context, rows []warehouse.Row) (warehouse.Result, error) {
	b := newBatch(rows)
	ctx, done := s.turn(ctx)
	defer done()
	if err := s.store(ctx, b); err != nil {
		return warehouse.Result{}, explain(&s.cfg, err)
	}
	return b.result(), nil
}

// store appends the rows between two checks of the table. A successful check of the last
// Write counts as the first check.
func (s *Sink) store(ctx context.Context, b *batch) error {
	if !s.checked {
		if err := s.checkTable(ctx); err != nil {
			return err
		}
	}
	if err := s.appendAll(ctx, b); err != nil {
		return err
	}
	return s.checkTable(ctx)
}

// appendAll appends the rows, again after an error that a new connection may solve.
func (s *Sink) appendAll(ctx context.Context, b *batch) error {
	for broken := false; len(b.todo) > 0 || b.alter(); {
		err := s.append(ctx, b)
		switch {
		case err == nil:
			continue
		case errors.Is(err, errExtraFields) && s.omitNewColumns():
			continue
		case errors.Is(err, errBroken) && !broken && ctx.Err() == nil:
			broken = true // Google closes idle connections: a first failure is no outage
			continue
		}
		return err
	}
	return nil
}

// Close implements warehouse.Sink. A closed sink may be used again, also for a recreated
// table.
func (s *Sink) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.disconnect()
	client := s.tables
	s.tables, s.created, s.checked = nil, time.Time{}, false
	if client == nil {
		return nil
	}
	return client.Close()
}

// connect opens a session unless the current session can be used.
func (s *Sink) connect(ctx context.Context) error {
	if s.session != nil && s.session.outdated(time.Now(), s.cfg.NewColumnsWait) {
		s.omitAdded = false
		s.disconnect()
	}
	if s.session != nil {
		return nil
	}
	var omit map[string]bool
	if s.omitAdded {
		omit = s.added
	}
	session, err := connect(ctx, &s.cfg, s.columns, omit)
	if err != nil {
		return err
	}
	s.session = session
	return nil
}

// disconnect closes the session. It drops the free chunks, too: the client library
// may still read their buffers.
func (s *Sink) disconnect() {
	if s.session != nil {
		s.session.close()
	}
	s.session, s.free = nil, nil
}

// omitNewColumns makes later rows leave out the columns that Open has added. It returns
// false when Open has added none, or when rows leave out the columns already.
func (s *Sink) omitNewColumns() bool {
	if s.omitAdded || len(s.added) == 0 {
		return false
	}
	s.omitAdded = true
	s.cfg.Log.Info().Msg("new columns omitted until BigQuery's Write API knows them")
	return true
}
