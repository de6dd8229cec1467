package main

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cioevents/cioevents/internal/audit"
	"github.com/cioevents/cioevents/internal/operate"
	"github.com/cioevents/cioevents/internal/stream"
)

// A backfill brings no event of an erased person back, and the audit does not name the
// events as missing. Without the key of the list, backfill stores nothing.
func TestBackfillLeavesOutErasedPersons(t *testing.T) {
	t.Parallel()
	dir, key := t.TempDir(), strings.Repeat("k", 32)
	stack := startStack(t, dir, "--privacy-key="+key)
	s := &shell{t: t, env: map[string]string{
		"CUSTOMERIO_APP_URL": stack.FakeURL(), "CUSTOMERIO_APP_API_KEY": "app-key", "PRIVACY_KEY": key,
		"WAREHOUSE_URL": "duckdb:" + filepath.Join(dir, "customerio.duckdb"), "NATS_URL": stack.NATSURL(),
	}}
	s.ok("warehouse", "migrate")
	lost := filepath.Join(dir, "lost")
	send := []string{"send", "--url", stack.WebhookURL(), "--campaign", "300", "--lose", "20%", "--lost", lost, "--fake-url", stack.FakeURL()}
	s.rows("true", read[operate.SendReport](s, send...).Sent)
	person := s.personOf(lost)

	now := time.Now().UTC()
	period := []string{"--since", now.AddDate(0, 0, -8).Format(time.RFC3339), "--until", now.Add(-audit.Fresh).Format(time.RFC3339)}
	command, compare := append([]string{"backfill"}, period...), append([]string{"audit"}, period...)
	planned := read[audit.Filled](s, append(command, "--dry-run")...)
	s.ok("person", "erase", "--id", person, "--yes", "--rows")
	before := s.eventsInStream()

	delete(s.env, "PRIVACY_KEY")
	if out, errs, code := s.run(append(command, "--yes")...); code != 1 || !strings.Contains(errs, "set PRIVACY_KEY") || s.eventsInStream() != before {
		t.Errorf("without the key: exit code %d\n%s%s", code, out, errs)
	}
	if out, _, code := s.run(compare...); code != 1 || !strings.Contains(out, "set PRIVACY_KEY") {
		t.Errorf("audit without the key: exit code %d\n%s", code, out)
	}
	s.env["PRIVACY_KEY"] = strings.Repeat("x", 32)
	for _, command := range [][]string{append(command, "--yes"), compare} {
		if out, errs, code := s.run(command...); code != 1 || !strings.Contains(errs, "fingerprint of PRIVACY_KEY") || s.eventsInStream() != before {
			t.Errorf("%v with another key: exit code %d\n%s%s", command, code, out, errs)
		}
	}
	s.env["PRIVACY_KEY"] = key
	plan := read[audit.Filled](s, append(command, "--dry-run")...)
	if plan.Erased == 0 || plan.Missing >= planned.Missing {
		t.Errorf("plan %+v, before the erasure %+v", plan, planned)
	}
	if out := s.ok(append(command, "--dry-run")...); !strings.Contains(out, " of erased persons left out") {
		t.Errorf("plan:\n%s", out)
	}
	out := s.ok(append(command, "--yes")...)
	if !strings.Contains(out, count(plan.Missing, "event")+" stored") || !strings.Contains(out, " of erased persons left out") {
		t.Errorf("result:\n%s", out)
	}
	s.rows("shape = 'backfill'", plan.Missing)
	for _, store := range read[[]personFound](s, "person", "find", "--id", person)[0].Stores {
		if store.Events != 0 {
			t.Errorf("%d events are in the %s again", store.Events, store.Store)
		}
	}
	if n := s.countRows("erased_at IS NOT NULL"); n != 0 {
		t.Errorf("%d rows of the person are in the warehouse again", n)
	}
	if files := filesWith(t, dir, `"`+person+`"`); len(files) > 0 {
		t.Errorf("the person's id is in %v", files)
	}
	if out := s.ok(compare...); !strings.Contains(out, "metrics of erased persons") {
		t.Errorf("audit:\n%s", out)
	}
	if out := s.ok(append(command, "--yes")...); !strings.Contains(out, "nothing is missing") || !strings.Contains(out, " of erased persons left out") {
		t.Errorf("again:\n%s", out)
	}
}

// countRows counts the rows that meet a condition.
func (s *shell) countRows(condition string) int {
	s.t.Helper()
	n, _ := read[[]map[string]any](s, "query", "SELECT count(*) AS n FROM customerio_events WHERE "+condition)[0]["n"].(float64)
	return int(n)
}

// rows waits until the worker has written a number of rows.
func (s *shell) rows(condition string, want int) {
	s.t.Helper()
	for deadline := time.Now().Add(time.Minute); s.countRows(condition) < want; {
		if time.Now().After(deadline) {
			s.t.Fatalf("%d rows of %s, want %d", s.countRows(condition), condition, want)
		}
		<-time.After(200 * time.Millisecond) // the worker writes rows
	}
}

// personOf returns a person with stored events and with lost events that are old enough
// for a backfill.
func (s *shell) personOf(lost string) string {
	s.t.Helper()
	var ids []string
	for id := range lostMessages(s.t, lost) {
		ids = append(ids, "'"+id+"'")
	}
	found := read[[]map[string]any](s, "query", "SELECT customer_id FROM customerio_events WHERE delivery_id IN ("+strings.Join(ids, ", ")+") GROUP BY 1 HAVING count(*) > 1 ORDER BY 1 LIMIT 1")
	if len(found) == 0 {
		s.t.Fatal("nobody has lost and stored events")
	}
	id, _ := found[0]["customer_id"].(string)
	return id
}

// eventsInStream returns the number of events in the stream.
func (s *shell) eventsInStream() uint64 {
	s.t.Helper()
	return read[stream.Status](s, "status").Stream.Messages
}

// filesWith returns the files of a folder that contain a text.
func filesWith(t *testing.T, dir, text string) (names []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(name)
		if bytes.Contains(content, []byte(text)) {
			names = append(names, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}
