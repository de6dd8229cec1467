package duckdb_test

import (
	"database/sql"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cioevents/cioevents/internal/warehouse/duckdb"
	"github.com/cioevents/cioevents/pkg/webhook"
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
// rows take some 900 MB below TMPDIR.
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
	late := func(share float64) func() (string, time.Time) {
		return func() (string, time.Time) {
			if random.Float64() < share {
				return ulid(now.Add(-time.Duration(random.Int64N(int64(age)))), random.Uint64()), now
			}
			return young(), now
		}
	}
	next := 0
	replay := func(window int) func() (string, time.Time) { // each window of rows is in any order
		return func() (string, time.Time) {
			next++
			i := (next/window*window + random.IntN(window)) % max(total, 1)
			return oldID(i, total), oldReceived(i, total)
		}
	}
	for _, c := range []struct {
		name string
		next func() (id string, received time.Time)
	}{
		{"new", late(0)},
		{"late-0.1%", late(0.001)},
		{"late-1%", late(0.01)},
		{"late-10%", late(0.1)},
		{"replay", replay(1)},
		{"replay-100,000", replay(100_000)},
		{"replay-shuffled", replay(max(total, 1))},
		{"digests-0.1%", func() (string, time.Time) {
			if random.Float64() < 0.001 {
				return strings.Repeat(fmt.Sprintf("%016x", random.Uint64()), 4), now
			}
			return young(), now
		}},
	} {
		b.Run(c.name, func(b *testing.B) { writeIDs(b, path, c.next) })
	}
}

// writeIDs writes batches of rows with the ids and times. It reports the mean of all batches,
// and the median of the means of ten batches each: a start without the filter of ids, and the
// reading of the ids, count only in the former.
func writeIDs(b *testing.B, path string, next func() (id string, received time.Time)) {
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
	var all time.Duration
	var tens []time.Duration
	n := 0
	for ; b.Loop(); n++ {
		b.StopTimer()
		for i := range rows {
			rows[i].Metric = webhook.Sent // of grow: a replay repeats the whole key
			rows[i].EventID, rows[i].ReceivedAt = next()
		}
		before := cpuTime(b)
		b.StartTimer()
		if _, err := sink.Write(b.Context(), rows); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		spent := cpuTime(b) - before
		all += spent
		if n%10 == 0 {
			tens = append(tens, 0)
		}
		tens[n/10] += spent
		b.StartTimer()
	}
	b.ReportMetric(float64(n*len(rows))/b.Elapsed().Seconds(), "rows/s")
	b.ReportMetric(float64(all.Microseconds())/float64(n*len(rows)), "cpu-µs/row")
	slices.Sort(tens)
	b.ReportMetric(float64(tens[len(tens)/2].Microseconds())/float64(min(n, 10)*len(rows)), "median-cpu-µs/row")
}

// growthLate is how often a row of grow is late: its id is of a time before. Each of DuckDB's
// row groups has such rows.
const growthLate = 1000

// grow creates a table with rows over growthDays in the order of received_at, which is also the
// order of all ids but the late ones.
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
  'sent', 'default', 'email', 'd' || i, to_timestamp(ms / 1000), to_timestamp((start + i * span // total) / 1000), '{}'
FROM (SELECT *, start + CASE WHEN i %% %d = 0 THEN i %% 1009 * i // 1009 ELSE i END * span // total AS ms
  FROM range(%d) t(i), (SELECT %d::BIGINT AS start, %d::BIGINT AS span, %d::BIGINT AS total));
CHECKPOINT`
	if _, err := db.ExecContext(tb.Context(), fmt.Sprintf(insert, growthLate, total, growthStart.UnixMilli(), growthSpan, max(total, 1))); err != nil {
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

// oldReceived returns the received_at of a row of grow.
func oldReceived(i, total int) time.Time {
	return growthStart.Add(time.Duration(i*growthSpan/total) * time.Millisecond)
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
