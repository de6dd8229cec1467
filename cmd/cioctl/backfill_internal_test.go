package main

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/cioevents/cioevents/internal/audit"
	"github.com/cioevents/cioevents/internal/operate"
	"github.com/cioevents/cioevents/internal/stream"
)

// In a development stack a backfill brings the audit to exit code 0, and nothing is called
// at the Track API for a backfilled event. Without its subject backfill stores nothing.
func TestBackfillFromCustomerio(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	stack := startStack(t, dir)
	s := &shell{t: t, env: map[string]string{
		"CUSTOMERIO_APP_URL": stack.FakeURL(), "CUSTOMERIO_APP_API_KEY": "app-key",
		"WAREHOUSE_URL": "duckdb:" + filepath.Join(dir, "customerio.duckdb"), "NATS_URL": stack.NATSURL(),
	}}
	s.ok("warehouse", "migrate")
	send := []string{"send", "--url", stack.WebhookURL(), "--campaign", "300", "--lose", "5%", "--lost", filepath.Join(dir, "lost"), "--fake-url", stack.FakeURL()}
	want := read[operate.SendReport](s, send...).Sent
	rows := func(condition string) int {
		return int(read[[]map[string]any](s, "query", "SELECT count(*) AS n FROM customerio_events WHERE "+condition)[0]["n"].(float64))
	}
	wait := func(condition string, want int) {
		t.Helper()
		for deadline := time.Now().Add(time.Minute); rows(condition) < want; {
			if time.Now().After(deadline) {
				t.Fatalf("%d rows of %s, want %d", rows(condition), condition, want)
			}
			<-time.After(200 * time.Millisecond) // the worker writes rows
		}
	}
	wait("true", want)

	command := []string{"backfill", "--since", "-8d"}
	s.wrong("standard input is not a terminal", command...)
	planned := read[audit.Filled](s, append(command, "--dry-run")...)
	if planned.Missing == 0 || planned.Stored != 0 {
		t.Fatalf("planned %+v", planned)
	}
	if out := s.ok(append(command, "--dry-run")...); !strings.Contains(out, "missing; nothing was stored") || !strings.Contains(out, "METRIC") {
		t.Errorf("plan:\n%s", out)
	}
	setSubjects(t, stack.NATSURL(), "customerio.events.>", "customerio.redrive.>")
	if _, errs, code := s.run(append(command, "--yes")...); code != 1 || !strings.Contains(errs, "run cioctl stream apply") {
		t.Errorf("without the subject: exit code %d\n%s", code, errs)
	}
	if out := s.ok("stream", "apply"); !strings.Contains(out, "subject missing → customerio.backfill.>") {
		t.Errorf("stream apply:\n%s", out)
	}
	interrupted, stop := context.WithTimeout(t.Context(), time.Second)
	defer stop()
	if _, errs, code := s.runIn(interrupted, strings.NewReader(""), append(command, "--yes", "--app-api-rate", "1")...); code != 1 || !strings.Contains(errs, "stored until then: run the same command again") {
		t.Errorf("interrupted: exit code %d\n%s", code, errs)
	}
	if f := read[audit.Filled](s, append(command, "--yes")...); f.Missing != planned.Missing || f.Stored != f.Missing || f.Repeated != 0 {
		t.Errorf("stored %+v, planned %+v", f, planned)
	}
	wait("shape = 'backfill'", planned.Missing)
	s.ok("audit", "--since", "-8d")
	if out := s.ok(append(command, "--yes")...); !strings.Contains(out, "nothing is missing") {
		t.Errorf("again:\n%s", out)
	}
	if n := rows("shape = 'backfill'"); n != planned.Missing {
		t.Errorf("%d backfilled rows, want %d", n, planned.Missing)
	}
}

// setSubjects gives the stream the subjects, as an older release has them.
func setSubjects(t *testing.T, url string, subjects ...string) {
	t.Helper()
	nc, err := nats.Connect(url)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	st, err := js.Stream(t.Context(), stream.Name)
	if err != nil {
		t.Fatal(err)
	}
	cfg := st.CachedInfo().Config
	cfg.Subjects = subjects
	if _, err := js.UpdateStream(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
}

// A backfill needs the beginning of its period, and an end that is an hour ago.
func TestBackfillIsWronglyUsed(t *testing.T) {
	t.Parallel()
	s := &shell{t: t, env: map[string]string{"CUSTOMERIO_APP_API_KEY": "app-key"}}
	s.wrong("--since: is required", "backfill")
	s.wrong("--since: is not before --until, which is an hour ago at most", "backfill", "--since", "-30m", "--yes")
	delete(s.env, "CUSTOMERIO_APP_API_KEY")
	s.wrong("CUSTOMERIO_APP_API_KEY: is required", "backfill", "--since", "-30d", "--yes")
}
