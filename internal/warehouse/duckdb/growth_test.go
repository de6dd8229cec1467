package duckdb_test

import (
	"database/sql"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cioevents/cioevents/internal/warehouse/duckdb"
)

// growthRows is a setting of BenchmarkGrowth: the number of rows of the table.
const growthRows = "CIOEVENTS_BENCH_ROWS"

const (
	growthDays  = 60
	growthBatch = 5000
)

// growthStart is the time of the oldest row.
var growthStart = time.Date(2025, 8, 1, 0, 0, 0, 0, time.UTC)

// BenchmarkGrowth writes batches to a table of a million rows, or of CIOEVENTS_BENCH_ROWS
// rows: new rows, some of them with ids up to 60 days old, rows that the table has, and
// digests. The row groups that a case has written stay for the cases after it. 20,000,000
// rows take some 350 MB below TMPDIR.
func BenchmarkGrowth(b *testing.B) {
	total := 1_000_000
	if n, err := strconv.Atoi(os.Getenv(growthRows)); err == nil { //nolint:forbidigo // a setting of the benchmark
		total = n
	}
	path := filepath.Join(b.TempDir(), "growth.duckdb")
	grow(b, path, total)
	age := growthDays * 24 * time.Hour
	now, random := growthStart.Add(age), rand.New(rand.NewPCG(1, 2))
	young := func() string { now = now.Add(time.Millisecond); return ulid(now, random.Uint64()) }
	known := func() string { return oldID(random.IntN(max(total, 1)), total) }
	late := func(share float64) func() string {
		return func() string {
			if random.Float64() < share {
				return ulid(now.Add(-time.Duration(random.Int64N(int64(age)))), random.Uint64())
			}
			return young()
		}
	}
	for _, c := range []struct {
		name string
		id   func() string
	}{
		{"new", young},
		{"late-0.1%", late(0.001)},
		{"late-1%", late(0.01)},
		{"late-10%", late(0.1)},
		{"replay-shuffled", known},
		{"digests-0.1%", func() string {
			if random.Float64() < 0.001 {
				return strings.Repeat(fmt.Sprintf("%016x", random.Uint64()), 4)
			}
			return young()
		}},
	} {
		b.Run(c.name, func(b *testing.B) { writeIDs(b, path, c.id) })
	}
}

// writeIDs writes batches of rows with the ids.
func writeIDs(b *testing.B, path string, id func() string) {
	b.Helper()
	sink, err := duckdb.New(duckdb.Config{Path: path})
	if err != nil {
		b.Fatal(err)
	}
	defer sink.Close()
	rows := campaignRows(b, growthBatch)
	if _, err := sink.Write(b.Context(), rows[:1]); err != nil { // opens the file
		b.Fatal(err)
	}
	n := 0
	var cpu time.Duration
	for b.Loop() {
		b.StopTimer()
		for i := range rows {
			rows[i].EventID = id()
		}
		before := cpuTime(b)
		b.StartTimer()
		if _, err := sink.Write(b.Context(), rows); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		cpu += cpuTime(b) - before
		n += len(rows)
		b.StartTimer()
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "rows/s")
	b.ReportMetric(float64(cpu.Microseconds())/float64(n), "cpu-µs/row")
}

// growthLate is how often a row of grow is late: its id is of a time before. Each of DuckDB's
// row groups has such rows.
const growthLate = 1000

// grow creates a table with rows over growthDays, all but the late ones in the order of their
// ids.
func grow(tb testing.TB, path string, total int) {
	tb.Helper()
	sink, err := duckdb.New(duckdb.Config{Path: path})
	if err != nil {
		tb.Fatal(err)
	}
	if err := sink.Open(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	if err := sink.Close(); err != nil {
		tb.Fatal(err)
	}
	db, err := sql.Open("duckdb", path+"?memory_limit=1GB")
	if err != nil {
		tb.Fatal(err)
	}
	defer db.Close()
	const insert = `CREATE TEMP MACRO letter(n) AS substr('` + crockford + `', CAST(n & 31 AS INTEGER) + 1, 1);
INSERT INTO messaging.customerio_events (event_id, metric, workspace, object_type, delivery_id, "timestamp", received_at, payload)
SELECT letter(ms >> 45) || letter(ms >> 40) || letter(ms >> 35) || letter(ms >> 30) || letter(ms >> 25) || letter(ms >> 20) || letter(ms >> 15) || letter(ms >> 10) || letter(ms >> 5) || letter(ms) || printf('%%016X', i),
  'sent', 'default', 'email', 'd' || i, to_timestamp(ms / 1000), to_timestamp(ms / 1000), '{}'
FROM (SELECT i, %d + CASE WHEN i %% %d = 0 THEN i %% 1009 * i // 1009 ELSE i END * %d // %d AS ms FROM range(%d) t(i));
CHECKPOINT`
	if _, err := db.ExecContext(tb.Context(), fmt.Sprintf(insert, growthStart.UnixMilli(), growthLate, growthSpan, max(total, 1), total)); err != nil {
		tb.Fatal(err)
	}
}

const growthSpan = growthDays * 24 * 60 * 60 * 1000 // milliseconds

// oldID returns the id of a row of grow.
func oldID(i, total int) string {
	at := i
	if i%growthLate == 0 {
		at = i % 1009 * i / 1009
	}
	return ulid(growthStart.Add(time.Duration(at*growthSpan/total)*time.Millisecond), uint64(i))
}

const crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// ulid returns an id like those of Customer.io: 10 characters of the time in milliseconds
// and 16 others.
func ulid(at time.Time, rest uint64) string {
	var id [10]byte
	for i, ms := len(id)-1, at.UnixMilli(); i >= 0; i, ms = i-1, ms>>5 {
		id[i] = crockford[ms&31]
	}
	return fmt.Sprintf("%s%016X", id, rest)
}
