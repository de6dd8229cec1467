package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/cioevents/cioevents/internal/report"
)

// The text says hard bounces where it counts them, and a latency of days in days.
func TestReportTables(t *testing.T) {
	t.Parallel()
	day := report.Day{Day: "2026-11-01", Total: report.Total{Counts: report.Counts{Deliveries: 442, Sent: 442, HardBounces: 2, SoftBounces: 30, UnknownBounces: 400}}}
	r := &report.Report{Summary: day.Total, Days: []report.Day{day}, Health: new(report.Health)}
	r.Latency = []report.Hour{{Hour: time.Unix(0, 0), Events: 1, P50: new(480.0), P90: new(3_600_000.0), P99: new(534_681_969.0)}}
	var b bytes.Buffer
	reportTables(&b, r)
	text := b.String()
	for _, want := range []string{"hard bounced", "\t2\t0\t0\n", "\t0.48 s\t60.0 min\t6.2 days\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("want %q:\n%s", want, text)
		}
	}
	if strings.Contains(text, "LINKS") || strings.Contains(text, "BOUNCES") || strings.Contains(text, "MAILBOX") {
		t.Errorf("a heading without a table:\n%s", text)
	}
	if strings.Contains(text, "432") {
		t.Errorf("the days count soft bounces:\n%s", text)
	}
}
