// Package place opens the warehouse that a URL names. It alone knows which kinds
// of warehouses there are, so that the worker, cioctl and reports need not.
package place

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/rs/zerolog"

	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/duckdb"
)

// Setting is the name of the setting that lists URLs of warehouses.
const Setting = "WAREHOUSE_URL"

// DefaultURL is the warehouse of a program without a setting.
const DefaultURL = "duckdb:data/customerio.duckdb"

// ErrNotReadable is returned for a warehouse that only other programs can query,
// such as BigQuery.
var ErrNotReadable = errors.New("cannot be queried here: want duckdb:FILE or parquet:DIR")

// A Place is one warehouse, which nothing has been opened of yet. Parse makes it.
type Place struct {
	// URL is duckdb:FILE, parquet:DIR or bigquery://PROJECT/DATASET.
	URL string
	// Scheme is the part of URL before the colon, the kind of the warehouse.
	Scheme string
	kind
}

// A kind is what can be done with a warehouse, one implementation for each
// scheme.
type kind interface {
	// Sink returns a new sink. It neither connects nor touches a file.
	Sink(log zerolog.Logger) (warehouse.Sink, error)
	// Reader opens the warehouse for queries and waits, until ctx ends, for a
	// worker that has it. The error is ErrNotReadable for a kind without a reader.
	Reader(ctx context.Context) (*duckdb.Reader, error)
	// Statements returns the SQL that makes the table and the views, in an order
	// in which it can be run, also again.
	Statements() []string
	// Compact removes repeated events, or says why there is nothing to do or who
	// has to do it.
	Compact(ctx context.Context, c Compaction) (Compacted, error)
}

// Parse reads the URL of a warehouse. It does not look whether the warehouse
// exists.
func Parse(url string) (Place, error) {
	scheme, path, _ := strings.Cut(url, ":")
	parse, known := kinds[scheme]
	switch {
	case !known:
		return Place{}, fmt.Errorf("%q is not of the form duckdb:FILE, parquet:DIR or bigquery://PROJECT/DATASET", url)
	case path == "":
		return Place{}, fmt.Errorf("%q names no place", url)
	}
	k, err := parse(url, path)
	if err != nil {
		return Place{}, fmt.Errorf("%q: %w", url, err)
	}
	return Place{URL: url, Scheme: scheme, kind: k}, nil
}

// ParseList reads the value of Setting: at least one URL, and besides the first,
// which keeps the consumer's plain name, at most one of each scheme. The error
// names all mistakes.
func ParseList(urls []string) ([]Place, error) {
	if len(urls) == 0 {
		return nil, errors.New(Setting + ": is empty")
	}
	var places []Place
	var mistakes []error
	seen := map[string]bool{}
	for i, url := range urls {
		p, err := Parse(url)
		if err != nil {
			mistakes = append(mistakes, fmt.Errorf("%s: %w", Setting, err))
			continue
		}
		if i > 0 && seen[p.Scheme] { // they would share one consumer, and each get a part of the rows
			mistakes = append(mistakes, fmt.Errorf("%s: %q is one too many of its kind: besides the first, one of each", Setting, url))
		}
		seen[p.Scheme] = i > 0
		places = append(places, p)
	}
	return places, errors.Join(mistakes...)
}

// Migrate makes the table and the views, and adds the columns of this release.
func (p Place) Migrate(ctx context.Context) error {
	sink, err := p.Sink(zerolog.Nop())
	if err != nil {
		return err
	}
	return errors.Join(sink.Open(ctx), sink.Close())
}

// OpenReader opens the first of the places that can be queried, and returns that
// place, too.
func OpenReader(ctx context.Context, places []Place) (*duckdb.Reader, Place, error) {
	urls := make([]string, len(places))
	for i, p := range places {
		r, err := p.Reader(ctx)
		if !errors.Is(err, ErrNotReadable) {
			return r, p, err
		}
		urls[i] = p.URL
	}
	return nil, Place{}, fmt.Errorf("%s: %q %w; BigQuery has the same views, such as %s",
		Setting, strings.Join(urls, ","), ErrNotReadable, warehouse.CampaignFunnel)
}
