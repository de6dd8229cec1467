package duckdb_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	duck "github.com/duckdb/duckdb-go/v2"

	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/duckdb"
	"github.com/cioevents/cioevents/pkg/webhook/webhooktest"
)

// The figures to look at are rows/s and the processor time of a row, cpu-µs/row,
// which other load on the machine disturbs less.
func BenchmarkWrite(b *testing.B) {
	for _, size := range []int{500, 5000, 20000} {
		b.Run(fmt.Sprintf("%d", size), func(b *testing.B) {
			sink, err := duckdb.New(duckdb.Config{Path: filepath.Join(b.TempDir(), "bench.duckdb")})
			if err != nil {
				b.Fatal(err)
			}
			defer sink.Close()
			if err := sink.Open(b.Context()); err != nil {
				b.Fatal(err)
			}
			measure(b, size, func(rows []warehouse.Row) error {
				_, err := sink.Write(b.Context(), rows)
				return err
			})
		})
	}
}

// BenchmarkStagedInsert is what BenchmarkWrite is measured against: the usual
// way to insert without duplicates, an Appender into a temporary table and one
// statement, without any of this package's layers.
func BenchmarkStagedInsert(b *testing.B) {
	const size = 5000
	db, err := sql.Open("duckdb", filepath.Join(b.TempDir(), "bench.duckdb")+"?wal_autocheckpoint=256MB&memory_limit=256MB")
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	conn, err := db.Conn(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	columns := warehouse.Columns()
	var definitions []string
	for _, c := range columns {
		definitions = append(definitions, fmt.Sprintf("%q %s", c.Name, []string{"VARCHAR", "BIGINT", "BOOLEAN", "TIMESTAMPTZ", "VARCHAR"}[c.Type]))
	}
	list := strings.Join(definitions, ", ")
	execute(b, conn, "CREATE TABLE events ("+list+")", "CREATE TEMP TABLE stage ("+list+")")
	measure(b, size, func(rows []warehouse.Row) error {
		execute(b, conn, "BEGIN")
		err := conn.Raw(func(c any) error { return appendRows(c.(driver.Conn), columns, rows) })
		if err != nil {
			return err
		}
		execute(b, conn, `INSERT INTO events
			WITH dup AS MATERIALIZED (SELECT s.workspace, s.event_id FROM events e JOIN stage s USING (workspace, event_id))
			SELECT * FROM stage s WHERE NOT EXISTS (SELECT 1 FROM dup d WHERE d.event_id = s.event_id AND d.workspace = s.workspace)
			QUALIFY row_number() OVER (PARTITION BY workspace, event_id) = 1`, "TRUNCATE stage", "COMMIT")
		return nil
	})
}

func execute(b *testing.B, conn *sql.Conn, statements ...string) {
	b.Helper()
	for _, s := range statements {
		if _, err := conn.ExecContext(context.Background(), s); err != nil {
			b.Fatal(err)
		}
	}
}

func appendRows(conn driver.Conn, columns []warehouse.Column, rows []warehouse.Row) error {
	a, err := duck.NewAppender(conn, "temp", "main", "stage")
	if err != nil {
		return err
	}
	values := make([]driver.Value, len(columns))
	for i := range rows {
		for j := range columns {
			values[j] = value(&columns[j], &rows[i])
		}
		if err := a.AppendRow(values...); err != nil {
			return err
		}
	}
	return a.Close()
}

// measure writes fresh rows of a campaign in batches of size.
func measure(b *testing.B, size int, write func([]warehouse.Row) error) {
	b.Helper()
	rows := campaignRows(b, size)
	n := 0
	var cpu time.Duration
	for b.Loop() {
		b.StopTimer()
		for i := range rows {
			// 20 events in a millisecond. DuckDB's statistics have the first 8 characters of
			// an id, and so tell seconds apart.
			rows[i].EventID = ulid(growthStart.Add(time.Duration(n/20)*time.Millisecond), uint64(n))
			n++
		}
		before := cpuTime(b)
		b.StartTimer()
		if err := write(rows); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		cpu += cpuTime(b) - before
		b.StartTimer()
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "rows/s")
	b.ReportMetric(float64(cpu.Microseconds())/float64(n), "cpu-µs/row")
}

func campaignRows(b *testing.B, n int) []warehouse.Row {
	b.Helper()
	var rows []warehouse.Row
	for body := range (webhooktest.Campaign{Seed: 1, Deliveries: n}).Events() {
		var r warehouse.Row // of Parse, as in a worker: sinks do not check its texts
		if err := r.Parse(body, warehouse.Origin{Workspace: "default", ReceivedAt: time.Unix(1_760_000_000, 0)}); err != nil {
			b.Fatal(err)
		}
		r.EventID = r.ID
		rows = append(rows, r)
		if len(rows) == n {
			break
		}
	}
	return rows
}

func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
