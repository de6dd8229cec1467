package main

import (
	"bufio"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cioevents/cioevents/internal/audit"
	"github.com/cioevents/cioevents/internal/operate"
	"github.com/cioevents/cioevents/pkg/webhook"
)

// An audit of a development stack names the deliveries whose webhooks send has lost, in
// each format, and ends with exit code 1. Against the stream alone nothing is missing.
func TestAudit(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	stack := startStack(t, dir)
	s := &shell{t: t, env: map[string]string{
		"CUSTOMERIO_APP_URL": stack.FakeURL(), "WAREHOUSE_URL": "duckdb:" + filepath.Join(dir, "customerio.duckdb"), "NATS_URL": stack.NATSURL(),
	}}
	s.ok("warehouse", "migrate")
	list := filepath.Join(dir, "lost.jsonl")
	send := []string{"send", "--url", stack.WebhookURL(), "--campaign", "400", "--lose", "5%", "--lost", list, "--fake-url", stack.FakeURL()}
	sent := read[operate.SendReport](s, send...).Sent
	rows := func() int {
		return int(read[[]map[string]any](s, "query", "SELECT count(*) AS n FROM customerio_events")[0]["n"].(float64))
	}
	for deadline := time.Now().Add(time.Minute); rows() < sent; {
		if time.Now().After(deadline) {
			t.Fatalf("%d rows, want %d", rows(), sent)
		}
		<-time.After(200 * time.Millisecond) // the worker writes rows
	}
	want := lostMessages(t, list)
	if len(want) == 0 {
		t.Fatal("nothing was lost")
	}
	out, errs, code := s.run("audit", "--only", "stream")
	if code != 0 {
		t.Errorf("exit code %d\n%s", code, errs)
	}
	if !strings.Contains(out, "Customer.io was not asked") {
		t.Errorf("the result without a key is\n%s", out)
	}
	s.wrong("--only customerio: CUSTOMERIO_APP_API_KEY is required", "audit", "--only", "customerio")

	s.env["CUSTOMERIO_APP_API_KEY"] = "app-key"
	out, errs, code = s.run("audit", "--output", "json", "--record")
	var result struct {
		audit.Result
		Gaps  []audit.Gap `json:"gaps"`
		Notes []string    `json:"notes"`
	}
	if err := json.Unmarshal([]byte(out), &result); err != nil || code != 1 || len(result.Notes) == 0 || result.Missing != len(result.Gaps) {
		t.Fatalf("exit code %d, %v\n%s%s", code, err, out, errs)
	}
	if !strings.Contains(errs, "cioctl backfill --since ") || !strings.Contains(errs, " missing: Customer.io has not delivered these events") {
		t.Errorf("advice: %s", errs)
	}
	got := map[string]bool{}
	for _, g := range result.Gaps {
		if g.Metric == webhook.Sent {
			got[g.DeliveryID] = true
		}
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(want)), slices.Sorted(maps.Keys(got))); diff != "" {
		t.Errorf("deliveries without sent (-want +got):\n%s", diff)
	}
	table, _, _ := s.run("audit")
	if !strings.Contains(table, "CUSTOMER.IO  HERE  DIFFERENCE  MISSING") || !strings.Contains(table, "more: --output csv has all") {
		t.Errorf("the table is\n%s", table)
	}
	lines, _, _ := s.run("audit", "--output", "csv")
	if n := strings.Count(lines, "\n"); n != len(result.Gaps)+1 || !strings.HasPrefix(lines, "delivery_id,metric,timestamp,created,") {
		t.Errorf("%d lines of CSV, want %d:\n%.500s", n, len(result.Gaps)+1, lines)
	}

	conn, err := stack.Connect()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if text, _, err := conn.State().Get(t.Context(), "audit.default"); err != nil || !strings.Contains(string(text), `"missing":`) {
		t.Errorf("the record is %s, %v", text, err)
	}
}

// lostMessages returns the deliveries of the list whose sent event is lost and old enough.
func lostMessages(t *testing.T, path string) map[string]bool {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	ids := map[string]bool{}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var e lostEvent
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil || e.EventID == "" {
			t.Fatalf("%s: %v", lines.Text(), err)
		}
		if e.Metric == webhook.Sent && time.Since(e.Timestamp) > audit.Fresh+time.Minute {
			ids[e.DeliveryID] = true
		}
	}
	return ids
}

// Without --lost the ids are on standard output, alone.
func TestSendLoses(t *testing.T) {
	t.Parallel()
	stack := startStack(t, t.TempDir())
	s := &shell{t: t}
	out, errs, code := s.run("send", "--url", stack.WebhookURL(), "--campaign", "100", "--lose", "50%")
	if n := strings.Count(out, "\n"); code != 0 || n < 50 || strings.Count(out, `"event_id":"`) != n || !strings.Contains(errs, "sent ") {
		t.Errorf("exit code %d, %d lines\n%.300s\n%s", code, n, out, errs)
	}
	s.wrong(`invalid --lose "2": want a share such as 2%`, "send", "--campaign", "10", "--lose", "2")
	s.wrong("--lose needs --campaign", "send", "--lose", "2%")
	s.wrong("--lost and --fake-url need --lose", "send", "--lost", "x")
}

// A period that has no end yet is an error that says why.
func TestAuditIsWronglyUsed(t *testing.T) {
	t.Parallel()
	s := &shell{t: t}
	for hint, args := range map[string][]string{
		"--since: is not before --until, which is an hour ago at most": {"--since", "-30m"},
		`invalid --only "nats": want customerio or stream`:             {"--only", "nats"},
		`invalid --output "xml": want table, json or csv`:              {"--output", "xml"},
		`--since: "x" is not a time: want `:                            {"--since", "x"},
	} {
		s.wrong(hint, append([]string{"audit"}, args...)...)
	}
}
