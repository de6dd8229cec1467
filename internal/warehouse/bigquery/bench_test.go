package bigquery_test

import (
	"flag"
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/cioevents/cioevents/internal/warehouse/bigquery"
	"github.com/cioevents/cioevents/internal/warehouse/bigquery/bigqueryfake"
)

var endpoints = flag.String("bigquery", "", "grpc=HOST:PORT&rest=URL of a server in another process, so that BenchmarkWrite measures the client alone")

// BenchmarkWrite reports rows/s and cpu-µs/row, the processor time of a row. Other load
// on the machine disturbs the processor time less.
func BenchmarkWrite(b *testing.B) {
	for _, size := range []int{500, 2_000, 10_000} {
		for _, connections := range []int{1, 4} {
			b.Run(fmt.Sprintf("rows=%d/connections=%d", size, connections), func(b *testing.B) {
				measure(b, size, connections)
			})
		}
	}
}

func measure(b *testing.B, size, connections int) {
	b.Helper()
	cfg := discarding(b)
	cfg.Connections = connections
	sink, err := bigquery.New(cfg)
	if err != nil {
		b.Fatal(err)
	}
	defer sink.Close()
	if err := sink.Open(b.Context()); err != nil {
		b.Fatal(err)
	}
	batch := rows(b, 0, size)
	write(b, sink, batch) // connects
	before := cpuTime(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := sink.Write(b.Context(), batch); err != nil {
			b.Fatal(err)
		}
	}
	n := float64(b.N * size)
	b.ReportMetric(n/b.Elapsed().Seconds(), "rows/s")
	b.ReportMetric(float64((cpuTime(b)-before).Nanoseconds())/1e3/n, "cpu-µs/row")
	b.ReportMetric(float64(peakRSS(b))/(1<<20), "peak-MiB")
}

// discarding returns the config for a server that discards all rows.
func discarding(b *testing.B) bigquery.Config {
	b.Helper()
	parameters := *endpoints
	if parameters == "" {
		server, err := bigqueryfake.Start(bigqueryfake.Config{Discard: true})
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(server.Close)
		parameters = "grpc=" + server.GRPCEndpoint() + "&rest=" + server.RESTEndpoint()
	}
	cfg, err := bigquery.ParseURL("bigquery://proj/messaging?" + parameters)
	if err != nil {
		b.Fatal(err)
	}
	return cfg
}

func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	u := usage(b)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func peakRSS(b *testing.B) int64 {
	b.Helper()
	return usage(b).Maxrss << 10 // Linux counts in KiB
}

func usage(b *testing.B) syscall.Rusage {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return u
}
