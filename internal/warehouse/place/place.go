// Package place opens the warehouses that WAREHOUSE_URL names, for the worker and for
// cioctl. No other package switches on the scheme of a URL.
package place

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"github.com/cioevents/cioevents/internal/config"
	"github.com/cioevents/cioevents/internal/privacy"
	"github.com/cioevents/cioevents/internal/warehouse"
)

// Setting is the name of the setting that lists URLs of warehouses.
const Setting = "WAREHOUSE_URL"

// DefaultURL is the warehouse of a program without WAREHOUSE_URL.
const DefaultURL = "duckdb:data/customerio.duckdb"

// A Place is a warehouse that a URL names. Parse returns a Place without opening the
// warehouse.
type Place struct {
	// URL is duckdb:FILE, parquet:DIR or bigquery://PROJECT/DATASET.
	URL string
	// Scheme is the part of URL before the colon: duckdb, parquet or bigquery.
	Scheme string
	// Consumer is the name of the consumer that fills the warehouse. ParseList sets the
	// name: FirstConsumer for the first URL, FirstConsumer-SCHEME for another URL.
	Consumer string
	// Log tells of a wait for another process. Default no log.
	Log zerolog.Logger
	kind
}

// FirstConsumer is the name of the first warehouse's consumer. The name has no scheme:
// the first warehouse keeps its position in the stream when another is added.
const FirstConsumer = "warehouse"

// A Sink is a sink that knows its store, and keeps names and settings.
type Sink interface {
	warehouse.Sink
	warehouse.Identity
	warehouse.Notes
}

// A kind has one implementation for each scheme, and one method for each operation on
// a warehouse.
type kind interface {
	// Sink returns a new sink. Sink neither connects nor touches a file.
	Sink(log zerolog.Logger) (Sink, error)
	// Where returns where the warehouse is, for people, without secrets: the host and
	// the path, or the project and the dataset.
	Where() string
	// Missing reports whether the file or the folder does not exist, so that opening the
	// warehouse creates it. A dataset of BigQuery counts as existing.
	Missing() bool
	// Reader opens the warehouse for queries. While a worker has the file, Reader
	// waits until ctx ends. If the warehouse Charges, the reader is a
	// warehouse.Estimator.
	Reader(ctx context.Context) (warehouse.Reader, error)
	// Scan opens the warehouse as Reader does, for statements that only look at each row
	// once. The reader has no views. Each of the tables has a part of the rows, and an event
	// may have several rows. The memory of a statement on a table depends neither on the
	// number of rows nor of files.
	Scan(ctx context.Context) (r warehouse.Reader, tables []string, err error)
	// Examine looks at the warehouse for an operator: reachable, columns and views, rights
	// to write and to read, free disk. Examine changes nothing that lasts, and waits a few
	// seconds at most for a worker that has the file.
	Examine(ctx context.Context) []warehouse.Sign
	// Dialect returns the SQL of the reader.
	Dialect() warehouse.Dialect
	// Schema returns the schema or dataset of the views. Table functions need the schema
	// in front of their names, tables and views do not.
	Schema() string
	// Rows returns the table with all rows, in which an event may have several:
	// warehouse.Events if an event has one.
	Rows() string
	// Charges reports whether the warehouse charges for queries.
	Charges() bool
	// Statements returns the SQL that creates the table and the views, in order.
	// The statements can be run again.
	Statements() []string
	// Compact removes repeated events, or returns a note that says what the operator
	// has to do instead.
	Compact(ctx context.Context, c Compaction) (Compacted, error)
	// Backfill computes the columns of this release from the payloads of older rows, or
	// returns a note that says what the operator has to do instead. Backfill replaces
	// NULLs only, and leaves rows with erased_at unchanged. Workers of all releases may
	// write meanwhile, and after an interruption the next Backfill completes the work.
	// The caller calls Migrate first.
	Backfill(ctx context.Context, b Backfilling) (Backfilled, error)
	// rollUp does the work of Place.Rollup for the days.
	rollUp(ctx context.Context, days warehouse.Days, before func(warehouse.Estimate) bool, log zerolog.Logger) (RolledUp, error)
	// People returns the store of the warehouse for the data of persons. Each call of the
	// store opens and closes the warehouse, and takes turns with the workers. key finds
	// the hashed values of a policy; nil if the warehouse has none. Replaced Parquet files
	// stay for grace, and Erase waits until they are gone.
	People(key *privacy.Key, grace time.Duration) (privacy.Store, error)
	// Rewrite changes stored rows, so that they follow a changed policy. The old values
	// are gone afterwards, as after an erasure.
	Rewrite(ctx context.Context, r Rewriting) (privacy.Erased, error)
	// ReplacesFiles reports whether Compact and Backfill replace files, which stay for
	// a time for the queries that read them.
	ReplacesFiles() bool
}

// Parse reads the URL of a warehouse. The warehouse need not exist. The error quotes the
// URL without a password.
func Parse(url string) (Place, error) {
	scheme, path, _ := strings.Cut(url, ":")
	parse, known := kinds[scheme]
	switch {
	case !known:
		return Place{}, config.Invalid(Setting, config.Redact(url), "duckdb:FILE, parquet:DIR or bigquery://PROJECT/DATASET")
	case path == "":
		return Place{}, config.Invalid(Setting, config.Redact(url), "a path after "+scheme+":")
	}
	k, err := parse(url, path)
	if err != nil {
		return Place{}, fmt.Errorf("invalid %s %q: %w", Setting, config.Redact(url), err)
	}
	return Place{URL: url, Scheme: scheme, kind: k}, nil
}

// ParseList reads the value of WAREHOUSE_URL: at least one URL and, after the first
// URL, at most one of each scheme. The first URL may share its scheme with another,
// because the first warehouse's consumer has a name without the scheme. The error has
// all mistakes.
func ParseList(urls []string) ([]Place, error) {
	if len(urls) == 0 {
		return nil, fmt.Errorf("%s is empty: want at least one URL", Setting)
	}
	var places []Place
	var mistakes []error
	seen := map[string]bool{}
	for i, url := range urls {
		p, err := Parse(url)
		if err != nil {
			mistakes = append(mistakes, err)
			continue
		}
		if i > 0 && seen[p.Scheme] { // two warehouses would share a consumer, and each get a part of the rows
			mistakes = append(mistakes, config.Invalid(Setting, config.Redact(url), "at most one URL of each kind after the first URL"))
		}
		seen[p.Scheme] = i > 0
		if p.Consumer = FirstConsumer; i > 0 {
			p.Consumer += "-" + p.Scheme
		}
		places = append(places, p)
	}
	return places, errors.Join(mistakes...)
}

// Migrate creates the table and the views, and adds the columns of this release.
func (p Place) Migrate(ctx context.Context) error {
	sink, err := p.Sink(p.Log)
	if err != nil {
		return err
	}
	return errors.Join(sink.Open(ctx), sink.Close())
}

// Store opens the warehouse as Migrate does, and returns the store.
func (p Place) Store(ctx context.Context) (store warehouse.Store, err error) {
	sink, err := p.Sink(p.Log)
	if err != nil {
		return store, err
	}
	if err = sink.Open(ctx); err == nil {
		store, err = sink.Store(ctx)
	}
	return store, errors.Join(err, sink.Close())
}
