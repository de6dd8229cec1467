// Package names keeps the names of messages in the warehouses: it asks Customer.io's App
// API for the names, and stores new and changed names.
package names

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strconv"

	"github.com/cioevents/cioevents/internal/customerio"
	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/place"
)

// A Lister lists the sources of a workspace as customerio.App does.
type Lister interface {
	Sources(ctx context.Context) iter.Seq2[customerio.Source, error]
}

// List returns the names of a workspace. Progress is called for each source, action and
// variant; nil for no progress. After an error there are no names, because a part of a
// list looks like a workspace with fewer names.
func List(ctx context.Context, from Lister, progress func()) ([]warehouse.Name, error) {
	var list []warehouse.Name
	seen := map[warehouse.Name]bool{} // a list that changes between two pages repeats a source
	for s, err := range from.Sources(ctx) {
		if err != nil {
			return nil, err
		}
		if progress != nil {
			progress()
		}
		n := warehouse.Name{Source: s.Kind, SourceID: strconv.FormatInt(s.ID, 10), ActionID: s.ActionID, ContentID: s.ContentID, Name: s.Name}
		if n.Name == "" || seen[n.Key()] {
			continue
		}
		seen[n.Key()] = true
		list = append(list, n)
	}
	return list, nil
}

// Put stores the names of a workspace in a warehouse and returns the changes. With dry set,
// Put stores nothing. In both cases the warehouse gets the tables of this release first.
// While another process uses a DuckDB file, Put waits for its turn until ctx ends.
func Put(ctx context.Context, in place.Place, workspace string, list []warehouse.Name, dry bool) (changes warehouse.NameChanges, err error) {
	err = WithNotes(ctx, in, func(notes warehouse.Notes) error {
		stored, err := notes.Names(ctx, workspace)
		if err != nil {
			return err
		}
		changes = warehouse.CompareNames(stored, list)
		if dry {
			return nil
		}
		return notes.PutNames(ctx, workspace, list)
	})
	return changes, err
}

// WithNotes opens the warehouse, calls use and closes the warehouse. A file or a folder
// that does not exist is an error: a mistake in the path would create a second warehouse.
func WithNotes(ctx context.Context, in place.Place, use func(warehouse.Notes) error) (err error) {
	if in.Missing() {
		return fmt.Errorf("%s does not exist: a worker creates the warehouse when it starts, and so does cioctl warehouse migrate", in.Where())
	}
	sink, err := in.Sink(in.Log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, sink.Close()) }()
	if err := sink.Open(ctx); err != nil {
		return err
	}
	return use(sink)
}
