package place_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"

	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/bigquery/bigqueryfake"
	"github.com/cioevents/cioevents/internal/warehouse/bigquery/bigquerytest"
	"github.com/cioevents/cioevents/internal/warehouse/place"
	"github.com/cioevents/cioevents/internal/warehouse/warehousetest"
)

// filled returns a warehouse with 1,000 rows.
func filled(t *testing.T, url string) place.Place {
	t.Helper()
	p, err := place.Parse(url)
	if err != nil {
		t.Fatal(err)
	}
	sink, err := p.Sink(zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	warehousetest.Fill(t, sink, warehousetest.Rows(1000))
	return p
}

// hashes returns the content of each file below a folder, except the empty files of
// leases.
func hashes(t *testing.T, dir string) map[string]string {
	t.Helper()
	list := map[string]string{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasSuffix(path, ".lock") || strings.HasSuffix(path, ".queue") {
			return err
		}
		content, err := os.ReadFile(filepath.Join(dir, path))
		list[path] = fmt.Sprintf("%x", sha256.Sum256(content))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// dialect has the statements of the suite for DuckDB. Dir is the folder of the
// warehouse, and outside a file elsewhere.
func dialect(dir, outside string) warehousetest.Dialect {
	return warehousetest.Dialect{
		Endless:   "SELECT i, 'a text of some length' AS text FROM range(1000000000000) t(i)",
		FailsLate: "SELECT CAST(if(i = 150000, 'x', '1') AS INTEGER) FROM range(200000) t(i)",
		Slow:      "SELECT count(*) FROM range(10000000) a(i), range(10000000) b(i) WHERE a.i + b.i = 7",
		Refused: []string{
			"COPY (SELECT 1) TO '" + dir + "/f.csv'", "COPY customerio_events TO 'f.csv'", "EXPLAIN ANALYZE COPY (SELECT 1) TO '" + dir + "/f.csv'",
			"FROM read_text('" + outside + "')", "FROM read_csv('" + outside + "')", "FROM glob('/etc/*')", "FROM read_text('" + dir + "/../outside')",
			"ATTACH '" + dir + "/new.duckdb'", "INSTALL httpfs", "LOAD httpfs", "SET memory_limit = '8GB'", "RESET memory_limit", "PRAGMA threads = 4",
			"SET enable_external_access = true", "USE memory", "BEGIN", "CHECKPOINT", "CALL pragma_version()", "EXPORT DATABASE '" + dir + "'",
			"CREATE TABLE a AS SELECT 1", "CREATE TEMP TABLE a AS SELECT 1", "CREATE OR REPLACE VIEW messaging.customerio_deliveries AS SELECT 1", "VACUUM",
		},
	}
}

// DuckDB itself refuses to write, and to read other files than those of the warehouse.
func TestReaders(t *testing.T) {
	t.Parallel()
	for scheme, name := range map[string]string{"duckdb": "e.duckdb", "parquet": "events"} {
		t.Run(scheme, func(t *testing.T) {
			t.Parallel()
			top := t.TempDir()
			dir, outside := filepath.Join(top, "data"), filepath.Join(top, "outside")
			if err := os.WriteFile(outside, []byte("secret\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			p := filled(t, scheme+":"+filepath.Join(dir, name))
			before := hashes(t, top)
			t.Run("suite", func(t *testing.T) {
				d := dialect(filepath.Join(dir, name), outside)
				if scheme == "duckdb" {
					d = dialect(dir, outside)
					d.Refused = append(d.Refused, "DELETE FROM customerio_events", "DROP VIEW messaging.customerio_deliveries", "UPDATE customerio_events SET event_id = 'x'")
				}
				warehousetest.Readers(t, d, func(t *testing.T) warehouse.Reader {
					t.Helper()
					r, err := p.Reader(t.Context())
					if err != nil {
						t.Fatal(err)
					}
					return r
				})
			})
			if diff := cmp.Diff(before, hashes(t, top)); diff != "" {
				t.Errorf("files (-before +after):\n%s", diff)
			}
			if _, err := os.Stat("f.csv"); err == nil {
				t.Error("a query wrote f.csv")
			}
		})
	}
}

// For BigQuery, the fake's DuckDB computes the rows of the events: all statements are ones
// that both know.
func TestBigQueryReader(t *testing.T) {
	t.Parallel()
	server := bigquerytest.Start(t, bigqueryfake.Config{})
	p := filled(t, "bigquery://proj?rest="+server.RESTEndpoint()+"&grpc="+server.GRPCEndpoint())
	const pairs = " FROM customerio_events a CROSS JOIN customerio_events b"
	warehousetest.Readers(t, warehousetest.Dialect{
		Endless:   "SELECT a.event_id, b.received_at" + pairs + " LIMIT 120000",
		FailsLate: "SELECT CAST(CASE WHEN event_id = (SELECT max(event_id) FROM customerio_events) THEN 'x' ELSE '1' END AS BIGINT) AS x FROM customerio_events",
		Slow:      "SELECT count(*) AS n" + pairs + " CROSS JOIN customerio_events c CROSS JOIN customerio_events d WHERE a.event_id < b.event_id AND c.event_id < d.event_id AND a.event_id < d.event_id",
		Refused: []string{
			"DELETE FROM customerio_events_raw WHERE true", "UPDATE customerio_events_raw SET subject = 'x' WHERE true",
			"INSERT INTO customerio_events_raw (event_id) VALUES ('x')", "CREATE TABLE a AS SELECT 1 AS x", "DROP VIEW customerio_deliveries",
			"CREATE OR REPLACE VIEW messaging.customerio_deliveries AS SELECT 1 AS x",
		},
	}, func(t *testing.T) warehouse.Reader {
		t.Helper()
		r, err := p.Reader(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return r
	})
}

// Rows that nobody reads do not keep a worker from the file for longer than the context.
func TestStuckReader(t *testing.T) {
	t.Parallel()
	p := filled(t, "duckdb:"+filepath.Join(t.TempDir(), "e.duckdb"))
	r, err := p.Reader(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, err := r.Query(ctx, "FROM customerio_events"); err != nil { //nolint:gocritic // nobody reads the rows
		t.Fatal(err)
	}
	free, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := p.Migrate(free); err != nil {
		t.Errorf("a writer: %v", err)
	}
}
