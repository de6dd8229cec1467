package names_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cioevents/cioevents/internal/customerio"
	"github.com/cioevents/cioevents/internal/customerio/customeriotest"
	"github.com/cioevents/cioevents/internal/names"
	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/bigquery/bigqueryfake"
	"github.com/cioevents/cioevents/internal/warehouse/place"
)

// serve returns a client of the fake App API on a real connection.
func serve(t *testing.T, fake *customeriotest.App) *customerio.App {
	t.Helper()
	server := httptest.NewServer(fake)
	t.Cleanup(server.Close)
	app, err := customerio.NewApp(customerio.AppConfig{Key: "key", URL: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	return app
}

func seed(fake *customeriotest.App) {
	fake.SeedSources(
		customeriotest.Source{Kind: "campaign", ID: 7, Name: "Onboarding", Actions: []customeriotest.Action{{ID: 71, Type: "email", Name: "Welcome"}, {ID: 72, Type: "slack"}}},
		customeriotest.Source{Kind: "broadcast", ID: 7, Name: "Sale", Actions: []customeriotest.Action{{ID: 71, Type: "push", Name: "Hurry"}}},
		customeriotest.Source{Kind: "newsletter", ID: 7, Name: "October", Contents: []customeriotest.Content{{ID: 71, Name: "Variant A"}, {ID: 72, Language: "fr"}}},
		customeriotest.Source{Kind: "newsletter", ID: 8, Name: "November", Contents: []customeriotest.Content{{ID: 81}}},
		customeriotest.Source{Kind: "newsletter", ID: 9, Name: "December"},
		customeriotest.Source{Kind: "transactional", ID: 7, Name: "Receipt"})
}

// known are the names of seed.
var known = []warehouse.Name{
	{Source: "campaign", SourceID: "7", Name: "Onboarding"},
	{Source: "campaign", SourceID: "7", ActionID: 71, Name: "Welcome"},
	{Source: "broadcast", SourceID: "7", Name: "Sale"},
	{Source: "broadcast", SourceID: "7", ActionID: 71, Name: "Hurry"},
	{Source: "newsletter", SourceID: "7", Name: "October"},
	{Source: "newsletter", SourceID: "7", ContentID: 71, Name: "Variant A"},
	{Source: "newsletter", SourceID: "7", ContentID: 72, Name: "fr"},
	{Source: "newsletter", SourceID: "8", Name: "November"},
	{Source: "newsletter", SourceID: "9", Name: "December"},
	{Source: "transactional", SourceID: "7", Name: "Receipt"},
}

// Names come from all lists and pages, in spite of answers 429.
func TestList(t *testing.T) {
	t.Parallel()
	fake := customeriotest.NewApp(customeriotest.AppConfig{PageSize: 2, Rate: 4})
	seed(fake)
	seen := 0
	got, err := names.List(t.Context(), serve(t, fake), func() { seen++ })
	if diff := cmp.Diff(known, got); err != nil || diff != "" {
		t.Errorf("error %v, names (-want +got):\n%s", err, diff)
	}
	if seen != len(known)+1 || fake.Counts().RateLimited == 0 {
		t.Errorf("progress was %d, want %d; %d answers 429, want some", seen, len(known)+1, fake.Counts().RateLimited)
	}
}

// listed lists sources and then ends with the error.
type listed struct {
	sources []customerio.Source
	err     error
}

func (l *listed) Sources(context.Context) iter.Seq2[customerio.Source, error] {
	return func(yield func(customerio.Source, error) bool) {
		for _, s := range l.sources {
			if !yield(s, nil) {
				return
			}
		}
		if l.err != nil {
			yield(customerio.Source{}, l.err)
		}
	}
}

// A part of a list gives no names, and a repeated source one name.
func TestListOfUnsteadyPages(t *testing.T) {
	t.Parallel()
	source := customerio.Source{Kind: "campaign", ID: 1, Name: "One"}
	if got, err := names.List(t.Context(), &listed{sources: []customerio.Source{source}, err: errors.New("outage")}, nil); err == nil || got != nil {
		t.Errorf("names %v, %v; want an error only", got, err)
	}
	if got, err := names.List(t.Context(), &listed{sources: []customerio.Source{source, source}}, nil); err != nil || len(got) != 1 {
		t.Errorf("names %v, %v; want one", got, err)
	}
}

// places returns a warehouse of each kind.
func places(t *testing.T) []place.Place {
	t.Helper()
	fake, err := bigqueryfake.Start(bigqueryfake.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(fake.Close)
	dir := t.TempDir()
	list, err := place.ParseList([]string{
		"duckdb:" + filepath.Join(dir, "e.duckdb"), "parquet:" + filepath.Join(dir, "events"),
		fmt.Sprintf("bigquery://proj/messaging?rest=%s&grpc=%s", fake.RESTEndpoint(), fake.GRPCEndpoint()),
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestPut(t *testing.T) {
	t.Parallel()
	for _, p := range places(t) {
		t.Run(p.Scheme, func(t *testing.T) {
			t.Parallel()
			if p.Missing() {
				if _, err := names.Put(t.Context(), p, "acme", known, false); err == nil || !strings.Contains(err.Error(), "does not exist") {
					t.Errorf("error of a missing warehouse is %v", err)
				}
			}
			if err := p.Migrate(t.Context()); err != nil {
				t.Fatal(err)
			}
			put(t, p, known, true, len(known), 0)
			put(t, p, known, false, len(known), 0)
			changed := slices.Clone(known)
			changed[1].Name = "Hello"
			changed = append(changed, warehouse.Name{Source: "campaign", SourceID: "99", Name: "New"})
			put(t, p, changed, true, 1, 1)
			put(t, p, changed, false, 1, 1)
			put(t, p, changed, false, 0, 0)
		})
	}
}

// put puts the names and checks the numbers of new and renamed ones.
func put(t *testing.T, p place.Place, list []warehouse.Name, dry bool, added, renamed int) {
	t.Helper()
	got, err := names.Put(t.Context(), p, "acme", list, dry)
	if err != nil || len(got.New) != added || len(got.Renamed) != renamed || got.Unchanged != len(list)-added-renamed {
		t.Errorf("%d new, %d renamed, %d unchanged, %v; want %d new and %d renamed", len(got.New), len(got.Renamed), got.Unchanged, err, added, renamed)
	}
}
