package parquet_test

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/parquet"
	"github.com/cioevents/cioevents/pkg/webhook"
	"github.com/cioevents/cioevents/pkg/webhook/webhooktest"
)

// The figures to look at are rows/s and the processor time of a row, cpu-µs/row,
// which other load on the machine disturbs less.
func BenchmarkWrite(b *testing.B) {
	for _, size := range []int{500, 10_000} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			sink := benchSink(b, b.TempDir())
			rows := campaignRows(b, size)
			n, before := 0, cpuTime(b)
			for b.Loop() {
				for i := range rows {
					rows[i].Sequence = uint64(n + i)
				}
				if _, err := sink.Write(b.Context(), rows); err != nil {
					b.Fatal(err)
				}
				n += size
			}
			b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "rows/s")
			b.ReportMetric(float64((cpuTime(b)-before).Microseconds())/float64(n), "cpu-µs/row")
			b.ReportMetric(residentMiB(b), "MiB")
		})
	}
}

// A day of 50 files with 100,000 events, each of them twice.
func BenchmarkCompact(b *testing.B) {
	n, before := int64(0), time.Duration(0)
	for b.Loop() {
		b.StopTimer()
		dir := b.TempDir()
		sink := benchSink(b, dir)
		rows := campaignRows(b, 4000)
		for batch := range 50 {
			for i := range rows {
				rows[i].EventID = fmt.Sprintf("01K6%010d%012d", batch/20, batch/2*len(rows)+i)
				rows[i].Sequence = uint64(batch*len(rows) + i)
			}
			if _, err := sink.Write(b.Context(), rows); err != nil {
				b.Fatal(err)
			}
		}
		at := cpuTime(b)
		b.StartTimer()
		report, err := parquet.Compact(b.Context(), parquet.Compaction{Dir: dir, Before: time.Now(), Grace: 1})
		if err != nil {
			b.Fatal(err)
		}
		before += cpuTime(b) - at
		n += report.Rows + report.Duplicates
		b.ReportMetric(float64(report.BytesAfter)/float64(report.Rows), "B/row")
		b.ReportMetric(float64(report.BytesBefore)/float64(report.Rows+report.Duplicates), "B/row-before")
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "rows/s")
	b.ReportMetric(float64(before.Microseconds())/float64(n), "cpu-µs/row")
	b.ReportMetric(residentMiB(b), "MiB")
}

func benchSink(b *testing.B, dir string) *parquet.Sink {
	b.Helper()
	sink, err := parquet.New(parquet.Config{Dir: dir})
	if err != nil {
		b.Fatal(err)
	}
	if err := sink.Open(b.Context()); err != nil {
		b.Fatal(err)
	}
	return sink
}

func campaignRows(b *testing.B, n int) []warehouse.Row {
	b.Helper()
	var rows []warehouse.Row
	for body := range (webhooktest.Campaign{Seed: 1, Deliveries: n}).Events() {
		e, err := webhook.Parse(body)
		if err != nil {
			b.Fatal(err)
		}
		row := warehouse.NewRow(e, warehouse.Origin{EventID: e.ID, Workspace: "default", ReceivedAt: e.OccurredAt.Add(time.Second)})
		row.Timestamp = time.Unix(1_760_000_000, 0) // all on one day
		rows = append(rows, row)
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

// residentMiB is the most memory that the process has had.
func residentMiB(b *testing.B) float64 {
	b.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		b.Skip(err)
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	var kib float64
	if _, err := fmt.Sscan(rest, &kib); err != nil {
		b.Fatal(err)
	}
	return kib / 1024
}
