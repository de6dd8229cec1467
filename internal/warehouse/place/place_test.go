package place_test

import (
	"os"
	"strings"
	"testing"

	"github.com/cioevents/cioevents/internal/warehouse/place"
)

func TestMistakesAreReportedTogether(t *testing.T) {
	t.Parallel()
	_, err := place.ParseList([]string{"duckdb:a", "duckdb:b", "duckdb:c", "oracle:x", "parquet:", "bigquery://p?region=EU"})
	for _, want := range []string{
		`invalid WAREHOUSE_URL "duckdb:c": want at most one`, `invalid WAREHOUSE_URL "oracle:x": want duckdb:FILE, parquet:DIR or bigquery://PROJECT/DATASET`,
		`invalid WAREHOUSE_URL "parquet:": want a path`, `invalid WAREHOUSE_URL "bigquery://p?region=EU": unknown parameter region`,
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the mistakes lack %q:\n%v", want, err)
		}
	}
	if _, err := place.ParseList(nil); err == nil {
		t.Error("an empty list is no error")
	}
}

// A URL of another program's database may hold a password.
func TestMistakesHoldNoPassword(t *testing.T) {
	t.Parallel()
	for _, url := range []string{
		"postgres://user:geheim@x/y", "postgres://user:x,geheim@x/y", "postgres://x/y?password=geheim", "user:geheim@x",
		"bigquery://user:geheim@p/d?region=EU", "bigquery://p/d?token=geheim",
	} {
		_, err := place.ParseList(strings.Split(url, ","))
		if err == nil || strings.Contains(err.Error(), "geheim") || !strings.Contains(err.Error(), "invalid WAREHOUSE_URL") {
			t.Errorf("%s: %v", url, err)
		}
	}
}

// The first warehouse may share its scheme with one other warehouse.
func TestTwoOfOneScheme(t *testing.T) {
	t.Parallel()
	places, err := place.ParseList([]string{"duckdb:a", "duckdb:b", "parquet:c", "bigquery://my-project"})
	if err != nil || len(places) != 4 || places[1].URL != "duckdb:b" || places[3].Scheme != "bigquery" {
		t.Errorf("places are %+v, %v", places, err)
	}
	for i, want := range []string{"warehouse", "warehouse-duckdb", "warehouse-parquet", "warehouse-bigquery"} {
		if places[i].Consumer != want {
			t.Errorf("the consumer of %s is %q, want %s", places[i].URL, places[i].Consumer, want)
		}
	}
}

// A place names a host or a project, and no parameter of the URL.
func TestWhere(t *testing.T) {
	t.Parallel()
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	for url, want := range map[string]string{
		"duckdb:/a/b.duckdb": "duckdb " + host + ":/a/b.duckdb",
		"parquet:/a/b":       "parquet " + host + ":/a/b",
		"bigquery://my-project?rest=http://user:secret@h&grpc=h:1": "bigquery my-project.messaging",
	} {
		p, err := place.Parse(url)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.Where(); got != want {
			t.Errorf("%s is at %q, want %q", url, got, want)
		}
	}
}
