package integration_test

import (
	"bufio"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/place"
	"github.com/cioevents/cioevents/internal/warehouse/warehousetest"
)

// events is the number of events in a warehouse. To measure with more, as for CHANGELOG.md:
// go test ./test/integration -run TestMemoryOfAQuery -v -events 200000.
var events = flag.Int("events", 50_000, "events in the warehouse of TestMemoryOfAQuery")

// fillWarehouse writes events into a warehouse, some of them twice, and returns its URL.
func fillWarehouse(t *testing.T, scheme string) string {
	t.Helper()
	p, err := place.Parse(scheme + ":" + filepath.Join(t.TempDir(), "events"))
	if err != nil {
		t.Fatal(err)
	}
	sink, err := p.Sink(zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	defer sink.Close()
	if err := sink.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	rows := warehousetest.Rows(10_000)
	for n := 0; n < *events; n += len(rows) {
		for i := range rows {
			rows[i].EventID, rows[i].Sequence = fmt.Sprintf("01K6%022d", n+i), uint64(n+i)
		}
		for _, part := range [][]warehouse.Row{rows, rows[:100]} { // some events again
			if _, err := sink.Write(t.Context(), part); err != nil {
				t.Fatal(err)
			}
		}
	}
	return p.URL
}

// A measured is a query that has ended.
type measured struct {
	rows             int
	first            time.Duration // until the first row
	peak, anon, file float64       // VmHWM, and the largest RssAnon and RssFile, in MiB
}

// measure runs cioctl query and reads the process's memory between the rows.
func measure(t *testing.T, url, statement string) (m measured) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), filepath.Join(buildPrograms(t), "cioctl"), "query", "--output", "jsonl", "--warehouse-url", url, statement)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewScanner(out); lines.Scan(); m.rows++ {
		if m.rows == 0 {
			m.first = time.Since(begin)
		}
		if m.rows%2000 == 0 {
			m.look(cmd.Process.Pid)
		}
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	return m
}

// look reads the memory of a process that runs.
func (m *measured) look(pid int) {
	status, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status") // empty after the end
	for line := range strings.Lines(string(status)) {
		name, rest, _ := strings.Cut(line, ":")
		if target := map[string]*float64{"VmHWM": &m.peak, "RssAnon": &m.anon, "RssFile": &m.file}[name]; target != nil {
			var kib float64
			_, _ = fmt.Sscan(rest, &kib) // the kernel writes a number
			*target = max(*target, kib/1024)
		}
	}
}

// A query prints many events with the memory of a few. The test bounds the memory that the
// process allocates. RSS also counts 65 MiB of mapped pages of the program, because the
// kernel maps 64 KiB around each page that start-up touches. These pages belong to the page
// cache, and the kernel takes them back when another process needs memory.
func TestMemoryOfAQuery(t *testing.T) { //nolint:paralleltest,tparallel // measures memory and time
	if testing.Short() {
		t.Skip("writes 100,000 events")
	}
	const narrow = "SELECT event_id, metric, customer_id, campaign_id, received_at FROM customerio_events"
	for scheme, limits := range map[string][2]float64{"duckdb": {36, 64}, "parquet": {80, 80}} {
		t.Run(scheme, func(t *testing.T) {
			t.Parallel()
			url := fillWarehouse(t, scheme)
			for i, statement := range []string{narrow, "FROM customerio_events"} {
				m := measure(t, url, statement)
				t.Logf("%-20.20s first row after %s, peak RSS %.0f MiB, allocated %.0f, mapped %.0f", statement, m.first.Round(time.Millisecond), m.peak, m.anon, m.file)
				if m.rows != *events || m.anon == 0 || m.anon > limits[i] {
					t.Errorf("%s: %d rows, %.0f MiB allocated; want %d rows and at most %.0f MiB", statement, m.rows, m.anon, *events, limits[i])
				}
			}
		})
	}
}
