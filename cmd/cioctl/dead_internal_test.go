package main

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/fault"
	"github.com/cioevents/cioevents/internal/operate"
	"github.com/cioevents/cioevents/internal/stream"
)

var died = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func deadOf(m *event.Message, from string, reason fault.Reason, sequence uint64) event.DeadLetter {
	return event.DeadLetter{Message: *m, From: from, Reason: reason, Err: "why", Attempts: 3, Subject: stream.Subject(m), Sequence: sequence, DiedAt: died}
}

// storeThree stores a dead letter of suppression, of warehouse and of ingest.
func (s *shell) storeThree() {
	s.t.Helper()
	s.store(deadOf(s.publish("a", "bounced"), "suppression", fault.ReasonRejected, 1))
	s.store(deadOf(s.publish("b", "opened"), "warehouse", fault.ReasonRejectedRow, 2))
	unread := &event.Message{Workspace: "acme", ID: "digest", ReceivedAt: died, Body: []byte(`{"event_id":"c","object_type":"email","metric":"spammed"}`)}
	s.store(event.DeadLetter{Message: *unread, From: "ingest", Reason: fault.ReasonNotJSON, Err: "no JSON", DiedAt: died.Add(time.Hour)})
}

func TestDeadList(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	if out := s.ok("dead", "list"); out != "no dead letters\n" {
		t.Errorf("list without dead letters: %q", out)
	}
	s.storeThree()
	for _, tt := range []struct {
		args []string
		want []uint64
	}{
		{nil, []uint64{1, 2, 3}},
		{[]string{"--from", "ingest"}, []uint64{3}},
		{[]string{"--reason", "rejected"}, []uint64{1}},
		{[]string{"--metric", "opened"}, []uint64{2}},
		{[]string{"--workspace", "globex"}, []uint64{}},
		{[]string{"--subject", "customerio.events.*.*.bounced"}, []uint64{1}},
		{[]string{"--since", "2026-03-01T12:30:00Z"}, []uint64{3}},
		{[]string{"--until", "2026-03-01T12:30:00Z"}, []uint64{1, 2}},
		{[]string{"--since", "-1h"}, []uint64{}},
	} {
		got := []uint64{}
		for _, d := range read[[]operate.DeadLetter](s, append([]string{"dead", "list"}, tt.args...)...) {
			got = append(got, d.Number)
			if d.Body != nil {
				t.Errorf("list %v: a body is in the list", tt.args)
			}
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("list %v (-want +got):\n%s", tt.args, diff)
		}
	}
	table := s.ok("dead", "list", "--from", "suppression")
	for _, want := range []string{"SEQ", "DIED AT", "2026-03-01T12:00:00Z", "suppression", "rejected", "3", "customerio.events.acme.email.bounced", "why"} {
		if !strings.Contains(table, want) {
			t.Errorf("the table has no %q:\n%s", want, table)
		}
	}
	s.wrong("--reason:", "dead", "list", "--reason", "bad")
	s.wrong("--since:", "dead", "list", "--since", "yesterday")
}

func TestDeadShow(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	s.storeThree()
	if out := s.ok("dead", "show", "3"); strings.Contains(out, "spammed") || !strings.Contains(out, "not_json") || !strings.Contains(out, "57") {
		t.Errorf("show without the body:\n%s", out)
	}
	if out := s.ok("dead", "show", "3", "--body"); !strings.HasSuffix(out, "\n\n{\"event_id\":\"c\",\"object_type\":\"email\",\"metric\":\"spammed\"}\n") {
		t.Errorf("show with the body:\n%s", out)
	}
	d := read[operate.DeadLetter](s, "dead", "show", "1", "--body")
	if d.ID != "a" || d.Sequence != 1 || !cmp.Equal(d.Body, any(map[string]any{"event_id": "a"})) {
		t.Errorf("show as JSON: %+v", d)
	}
	if _, errs, code := s.run("dead", "show", "9"); code != 1 || !strings.Contains(errs, "cioctl dead list") {
		t.Errorf("show a dead letter that does not exist: exit code %d, %s", code, errs)
	}
	s.wrong("not the number of a dead letter", "dead", "show", "x")
}

func TestDeadRedrive(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	s.storeThree()
	suppression := s.consumer("suppression", stream.Select(nil, nil, []string{"bounced", "spammed"})...)
	s.wrong("--all", "dead", "redrive")
	if list := read[[]operate.DeadLetter](s, "dead", "redrive", "--all", "--dry-run"); len(list) != 3 {
		t.Errorf("dry run lists %d", len(list))
	}
	// An earlier run was killed after it had published the message.
	d, err := s.conn.ReadDeadLetter(t.Context(), []uint64{1})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.pub.Redrive(t.Context(), "suppression", d.Key, &d.Message); err != nil {
		t.Fatal(err)
	}
	got := read[operate.RedriveReport](s, "dead", "redrive", "--all")
	want := operate.RedriveReport{Redriven: 2, Duplicates: 1, Kept: map[string]int{"there is no consumer warehouse": 1}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("report (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"a", "a", "c"}, s.handled(suppression)); diff != "" {
		t.Errorf("handled by suppression (-want +got):\n%s", diff)
	}
	if left := read[[]operate.DeadLetter](s, "dead", "list"); len(left) != 1 || left[0].From != "warehouse" {
		t.Errorf("left: %+v", left)
	}
}

// The kind of fault: a script with a number that does not exist ends as if all were done.
func TestNumberWithoutDeadLetter(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	s.storeThree()
	out, errs, code := s.run("dead", "redrive", "98", "3", "99")
	if code != 1 || !strings.Contains(out, "redriven  1") || !strings.Contains(errs, "no dead letter has the number 98, 99") {
		t.Errorf("redrive: exit code %d, %s%s", code, out, errs)
	}
	if out, errs, code := s.run("dead", "drop", "--yes", "1", "99"); code != 1 || !strings.Contains(out, "dropped  1") || !strings.Contains(errs, "number 99") {
		t.Errorf("drop: exit code %d, %s%s", code, out, errs)
	}
}

func (s *shell) consumer(name string, subjects ...string) *stream.Consumer {
	s.t.Helper()
	c, err := s.conn.OpenConsumer(s.t.Context(), name, subjects)
	if err != nil {
		s.t.Fatal(err)
	}
	return c
}

// handled acknowledges the messages of a consumer and returns their ids.
func (s *shell) handled(c *stream.Consumer) []string {
	s.t.Helper()
	attempts, err := c.Fetch(s.t.Context(), event.Limits{Messages: 100, Linger: 100 * time.Millisecond})
	if err != nil {
		s.t.Fatal(err)
	}
	var ids []string
	for i := range attempts {
		ids = append(ids, attempts[i].ID)
		if err := attempts[i].Settle.AckSync(); err != nil {
			s.t.Fatal(err)
		}
	}
	return ids
}

func TestDeadDrop(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	s.storeThree()
	s.wrong("--all", "dead", "drop", "--yes")
	s.wrong("--yes", "dead", "drop", "--all")
	if list := read[[]operate.DeadLetter](s, "dead", "drop", "--from", "ingest", "--dry-run"); len(list) != 1 {
		t.Errorf("dry run lists %d", len(list))
	}
	if got := read[map[string]int](s, "dead", "drop", "--from", "ingest", "--yes"); got["dropped"] != 1 {
		t.Errorf("dropped %v", got)
	}
	if got := read[map[string]int](s, "dead", "drop", "1", "--yes"); got["dropped"] != 1 {
		t.Errorf("dropped %v", got)
	}
	if left := read[[]operate.DeadLetter](s, "dead", "list"); len(left) != 1 || left[0].Number != 2 {
		t.Errorf("left: %+v", left)
	}
}

func TestConfirm(t *testing.T) {
	t.Parallel()
	for answer, want := range map[string]bool{"y\n": true, "YES\n": true, "\n": false, "": false, "n\n": false, "yesterday\n": false} {
		var asked strings.Builder
		c := &cli{in: strings.NewReader(answer), err: &asked}
		if got := c.confirm(t.Context(), "Delete?"); got != want || asked.String() != "Delete? [y/N] " {
			t.Errorf("confirm with answer %q to %q = %v", answer, asked.String(), got)
		}
	}
}

// The line of a dead letter has the number that cioctl dead show takes.
func TestTailNumbersDeadLetters(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	for n := range uint64(2) {
		s.store(deadOf(s.publish([]string{"a", "b"}[n], "bounced"), "suppression", fault.ReasonRejected, n+1))
	}
	out, errs, code := s.firstOutput("tail", "--dead")
	if code != 0 || !strings.Contains(out, "       1  from=suppression ") {
		t.Errorf("exit code %d, %q, %s", code, out, errs)
	}
}

// Addresses are masked wherever tail and dead show print them, also an address with an
// escape, unless the operator wants to see them.
func TestAddressesAreMasked(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	m := s.publish("a", "bounced")
	m.Body = []byte(`{"event_id":"a","metric":"bounced","data":{"customer_id":"ann@mail.example","recipient":"ann\u0040mail.example"}}`)
	d := deadOf(m, "suppression", fault.ReasonRejected, 1)
	d.Err = "refused ann@mail.example"
	s.store(d)
	for _, args := range [][]string{
		{"dead", "show", "1"},
		{"dead", "show", "1", "--body"},
		{"dead", "show", "1", "--body", "--output", "json"},
		{"tail", "--dead"},
		{"tail", "--dead", "--output", "json"},
	} {
		show := s.run
		if args[0] == "tail" {
			show = s.firstOutput
		}
		if out, errs, code := show(args...); code != 0 || strings.Contains(out, "ann@") || strings.Contains(out, `ann\u`) || !strings.Contains(out, "a…@mail.example") {
			t.Errorf("%v: exit code %d, %s, %s", args, code, out, errs)
		}
		if out, errs, code := show(append(args, "--reveal")...); code != 0 || !strings.Contains(out, "ann@mail.example") {
			t.Errorf("%v --reveal: exit code %d, %s, %s", args, code, out, errs)
		}
	}
}
