package bigquery_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/rs/zerolog"

	"github.com/cioevents/cioevents/internal/warehouse/bigquery"
)

func TestParseURL(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bigquery.Config{
		"bigquery://my-project":                                           {Project: "my-project"},
		"bigquery://my-project/":                                          {Project: "my-project"},
		"bigquery://my-project/mail_2026":                                 {Project: "my-project", Dataset: "mail_2026"},
		"bigquery://my-project/mail?connections=8&location=EU&timeout=1m": {Project: "my-project", Dataset: "mail", Connections: 8, Location: "EU", Timeout: time.Minute},
		"bigquery://my-project/mail?grpc=127.0.0.1:9060&rest=http://127.0.0.1:9050/bigquery/v2/": {Project: "my-project", Dataset: "mail", GRPCEndpoint: "127.0.0.1:9060", RESTEndpoint: "http://127.0.0.1:9050/bigquery/v2/"},
	} {
		got, err := bigquery.ParseURL(text)
		if diff := cmp.Diff(want, got, cmpopts.IgnoreTypes(zerolog.Logger{}), cmpopts.IgnoreUnexported(bigquery.Config{})); err != nil || diff != "" {
			t.Errorf("%s: error %v (-want +got):\n%s", text, err, diff)
		}
	}
}

func TestParseURLMistakes(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"duckdb:x":                      "want bigquery://PROJECT/DATASET",
		"bigquery:p/d":                  "want bigquery://PROJECT/DATASET",
		"bigquery:///d":                 "want bigquery://PROJECT/DATASET",
		"bigquery://p\x00":              "not a URL",
		"bigquery://P/d":                `project "P": want a project id`,
		"bigquery://p/d/e":              `dataset "d/e": want letters, digits and _`,
		"bigquery://p/d`x":              "want letters, digits and _",
		"bigquery://p/d?conections=4":   "unknown parameter conections: want connections",
		"bigquery://p/d?connections=0":  `connections "0": want a number of at least 1`,
		"bigquery://p/d?timeout=5":      `timeout "5": want a duration such as 30s`,
		"bigquery://p/d?location=E%22U": `location "E\"U": want a location such as EU`,
		"bigquery://p/d?grpc=h:1":       "want both grpc and rest, or neither",
		"bigquery://p/d?a=%zz":          "read parameters",
	} {
		_, err := bigquery.ParseURL(text)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error is %v; want %q in it", text, err, want)
		}
	}
}

func TestNewNeedsAProject(t *testing.T) {
	t.Parallel()
	if _, err := bigquery.New(bigquery.Config{}); err == nil {
		t.Error("New accepts a Config without a project")
	}
}
