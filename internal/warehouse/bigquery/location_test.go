package bigquery_test

import (
	"cmp"
	"strings"
	"testing"

	bq "cloud.google.com/go/bigquery"
	"google.golang.org/api/option"

	"github.com/cioevents/cioevents/internal/warehouse/bigquery"
	"github.com/cioevents/cioevents/internal/warehouse/bigquery/bigqueryfake"
)

// rest returns a client of the fake, as an operator has.
func (p place) rest(t *testing.T) *bq.Client {
	t.Helper()
	client, err := bq.NewClient(t.Context(), project, option.WithEndpoint(p.RESTEndpoint()), option.WithoutAuthentication())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// A dataset cannot move, and may hold personal data that has to stay in its region.
func TestOtherLocation(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ present, asked, want string }{
		"another":       {"US", "EU", "the dataset is in US, and location=EU asks for another place"},
		"the same":      {"EU", "EU", ""},
		"another case":  {"europe-west1", "Europe-West1", ""},
		"none":          {"EU", "", ""},
		"to create":     {"", "EU", ""},
		"to create, US": {"", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := start(t, bigqueryfake.Config{})
			dataset := p.rest(t).Dataset(dataset)
			if c.present != "" {
				if err := dataset.Create(t.Context(), &bq.DatasetMetadata{Location: c.present}); err != nil {
					t.Fatal(err)
				}
			}
			cfg := p.config()
			cfg.Location = c.asked
			err := newSink(t, cfg).Open(t.Context())
			if (err != nil) != (c.want != "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("error is %v; want %q", err, c.want)
			}
			meta, err := dataset.Metadata(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if want := cmp.Or(c.present, c.asked, "US"); !strings.EqualFold(meta.Location, want) {
				t.Errorf("the dataset is in %s; want %s", meta.Location, want)
			}
		})
	}
}

// The printed SQL creates the dataset where Open creates it.
func TestStatementsNameTheLocation(t *testing.T) {
	t.Parallel()
	for location, want := range map[string]string{"": `location = "US"`, "EU": `location = "EU"`} {
		if sql := bigquery.Statements(project, dataset, location)[0]; !strings.Contains(sql, want) {
			t.Errorf("the SQL for %q lacks %s:\n%s", location, want, sql)
		}
	}
}
