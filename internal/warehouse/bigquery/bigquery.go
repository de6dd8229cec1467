// Package bigquery is the warehouse in Google BigQuery: an append-only table,
// and over it a view that shows each event once.
package bigquery

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/cioevents/cioevents/internal/warehouse"
)

// Raw is the table that is written to. It may hold an event more than once:
// query the view warehouse.Events.
const Raw = warehouse.Events + "_raw"

// Defaults of Config.
const (
	DefaultConnections = 4
	DefaultTimeout     = 30 * time.Second
)

// Config configures a Sink. Project is required.
type Config struct {
	// Project is the id of the Google Cloud project that has the dataset.
	Project string
	// Dataset holds the table and the views. Default "messaging".
	Dataset string
	// Location is where the dataset is created when it is missing, such as EU.
	// Default is BigQuery's own, US.
	Location string
	// Connections is the number of connections that a batch is spread over.
	// Default 4: Google promises 1 MB/s for one, some 1,500 rows, and measures
	// 10 MB/s and more.
	Connections int
	// Timeout bounds an Open or a Write. Default 30 s, twice the time for the
	// largest batch of a worker over one slow connection.
	Timeout time.Duration
	// NewColumnsWait is the pause before columns that the Write API does not
	// know yet are tried again. Default 5 min: it learns of new columns within
	// minutes.
	NewColumnsWait time.Duration
	// GRPCEndpoint (host:port) and RESTEndpoint (URL) stand in for Google's, both
	// or none. They are spoken to without authentication and without TLS.
	GRPCEndpoint, RESTEndpoint string
	Log                        zerolog.Logger
}

// A Sink appends rows to BigQuery. It implements warehouse.Sink.
//
// The time of an event is NULL in the table when it lies too far from the
// present for a partition (see partitions); the payload keeps it.
type Sink struct {
	cfg     Config
	columns []warehouse.Column

	mu      sync.Mutex // guards what follows
	session *session
	added   map[string]bool // columns that Open has added
	narrow  bool            // whether to do without them for now
	free    []*chunk        // for the next Write to use again
}

// Google's rules for names. They also keep names from breaking out of their
// quotes in SQL.
var (
	projectName = regexp.MustCompile(`^[a-z][a-z0-9.:-]*$`)
	datasetName = regexp.MustCompile(`^[A-Za-z0-9_]+$`)
)

// New checks cfg. It connects to nothing.
func New(cfg Config) (*Sink, error) {
	cfg.Dataset = cmp.Or(cfg.Dataset, warehouse.DefaultSchema)
	cfg.Connections = cmp.Or(cfg.Connections, DefaultConnections)
	cfg.Timeout = cmp.Or(cfg.Timeout, DefaultTimeout)
	cfg.NewColumnsWait = cmp.Or(cfg.NewColumnsWait, 5*time.Minute)
	if err := cfg.check(); err != nil {
		return nil, err
	}
	return &Sink{cfg: cfg, columns: warehouse.Columns()}, nil
}

func (c *Config) check() error {
	switch {
	case c.Project == "":
		return errors.New("no project is named")
	case !projectName.MatchString(c.Project):
		return fmt.Errorf("%q is not the id of a project", c.Project)
	case !datasetName.MatchString(c.Dataset):
		return fmt.Errorf("%q is not a dataset's name: letters, digits and _", c.Dataset)
	case c.Connections < 0:
		return fmt.Errorf("connections: %d is below 1", c.Connections)
	case (c.GRPCEndpoint == "") != (c.RESTEndpoint == ""):
		return errors.New("the endpoints for gRPC and REST stand in for Google's together or not at all")
	}
	return nil
}

// Open implements warehouse.Sink.
func (s *Sink) Open(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	s.mu.Lock()
	defer s.mu.Unlock()
	added, err := migrate(ctx, s.cfg, s.columns)
	if err != nil {
		return explain(&s.cfg, err)
	}
	if len(added) > 0 {
		s.added = added
	}
	return nil
}

// Write implements warehouse.Sink. It only appends, so all rows count as
// inserted. What is not answered for within Config.Timeout may be stored or not,
// or be stored later.
func (s *Sink) Write(ctx context.Context, rows []warehouse.Row) (warehouse.Result, error) {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.Timeout)
	defer cancel()
	s.mu.Lock()
	defer s.mu.Unlock()
	b := newBatch(rows)
	for broken := false; len(b.todo) > 0; {
		err := s.append(ctx, b)
		switch {
		case err == nil:
			continue
		case errors.Is(err, errExtraFields) && s.doWithout():
			continue
		case errors.Is(err, errBroken) && !broken && ctx.Err() == nil:
			broken = true // Google hangs up on idle connections: once is no sign of trouble
			continue
		}
		return warehouse.Result{}, explain(&s.cfg, err)
	}
	return b.result(), nil
}

// Close implements warehouse.Sink.
func (s *Sink) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.disconnect()
	return nil
}

// connect makes the session unless there is a good one.
func (s *Sink) connect(ctx context.Context) error {
	if s.session != nil && s.session.outdated(time.Now(), s.cfg.NewColumnsWait) {
		s.narrow = false
		s.disconnect()
	}
	if s.session != nil {
		return nil
	}
	var without map[string]bool
	if s.narrow {
		without = s.added
	}
	session, err := connect(ctx, &s.cfg, s.columns, without)
	if err != nil {
		return err
	}
	s.session = session
	return nil
}

// disconnect ends the session and everything that may still refer to its rows.
func (s *Sink) disconnect() {
	if s.session != nil {
		s.session.close()
	}
	s.session, s.free = nil, nil
}

// doWithout leaves out the columns that Open has added, and reports whether
// that changes anything.
func (s *Sink) doWithout() bool {
	if s.narrow || len(s.added) == 0 {
		return false
	}
	s.narrow = true
	s.cfg.Log.Info().Msg("BigQuery's Write API does not know the new columns yet, leaving them out for now")
	return true
}
