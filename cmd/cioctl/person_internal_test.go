package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/fault"
	"github.com/cioevents/cioevents/internal/people"
	"github.com/cioevents/cioevents/internal/privacy"
	"github.com/cioevents/cioevents/internal/stream"
)

const (
	jo  = `{"event_id":"ID","metric":"opened","object_type":"email","timestamp":1772366400,"data":{"identifiers":{"id":"jo-42","email":"jo\u0040mail.example"},"content":"<p>"}}`
	ann = `{"event_id":"ID","metric":"opened","object_type":"email","timestamp":1772366400,"data":{"identifiers":{"id":"ann-43","email":"ann@mail.example"}}}`
)

// newPersonShell has two events of jo and one of ann in the stream of the workspace acme,
// and no warehouse.
func newPersonShell(t *testing.T) *shell {
	t.Helper()
	s := newShell(t)
	s.env = map[string]string{"WAREHOUSE_URL": "duckdb:" + filepath.Join(t.TempDir(), "none.duckdb"), "PRIVACY_KEY": strings.Repeat("k", 32)}
	for id, body := range map[string]string{"a": jo, "b": jo, "c": ann} {
		if _, err := s.pub.Publish(t.Context(), personMessage(t, id, body)); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func personMessage(t *testing.T, id, body string) *event.Message {
	t.Helper()
	m := &event.Message{Workspace: "acme", ReceivedAt: died, Body: []byte(strings.Replace(body, "ID", id, 1))}
	if err := m.Index(); err != nil {
		t.Fatal(err)
	}
	return m
}

// silent fails the test when an output has an identifier of jo.
func silent(t *testing.T, output string) {
	t.Helper()
	if strings.Contains(output, "jo-42") || strings.Contains(output, "mail.example") {
		t.Errorf("an identifier is in\n%s", output)
	}
}

func (s *shell) messages() uint64 {
	s.t.Helper()
	st, err := s.conn.Status(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	return st.Stream.Messages
}

func TestPersonFind(t *testing.T) {
	t.Parallel()
	s := newPersonShell(t)
	got := read[[]personFound](s, "person", "find", "--workspace", "acme", "--email", "Jo <JO@mail.example>")
	at := time.Unix(1772366400, 0).UTC()
	want := []personFound{{
		Workspace: "acme", Identifiers: []identifierRow{{"email", "jo@mail.example"}},
		Stores: []people.StoreCount{{Store: "stream", Events: 2, First: at, Last: at}, {Store: "dead letters"}},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("find (-want +got):\n%s", diff)
	}
	file := filepath.Join(t.TempDir(), "persons")
	if err := os.WriteFile(file, []byte("# two persons\nid=jo-42 cio-id=x9\n\nphone=+1555 id=ann-43\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got = read[[]personFound](s, "person", "find", "--workspace", "acme", "--file", file); len(got) != 2 || got[0].Stores[0].Events != 2 || got[1].Stores[0].Events != 1 {
		t.Errorf("find --file: %+v", got)
	}
	out, _, code := s.runIn(t.Context(), strings.NewReader("id=jo-42"), "person", "find", "--workspace", "acme", "--file", "-")
	if code != 0 || !strings.Contains(out, "stream        2") {
		t.Errorf("find --file -: code %d\n%s", code, out)
	}
}

// A mistake is found before anything is read, and its message does not quote the value.
func TestPersonMistakes(t *testing.T) {
	t.Parallel()
	s := newPersonShell(t)
	for _, tt := range []struct {
		want string
		args []string
	}{
		{"nobody is named: give --id", nil},
		{"--email: parse email: the value is not a single address", []string{"--email", "secret.example"}},
		{"--id: parse id: the value is empty", []string{"--id", " "}},
		{"--id: parse id: the value has a single character", []string{"--id", "4"}},
		{"--file: open /nowhere", []string{"--file", "/nowhere"}},
	} {
		for _, command := range []string{"find", "export", "erase", "forget-erasure"} {
			out, errs, code := s.run(append([]string{"person", command}, tt.args...)...)
			if code == 0 || !strings.Contains(errs, tt.want) || strings.Contains(out+errs, "secret") {
				t.Errorf("%s %v: code %d, want %q in\n%s", command, tt.args, code, tt.want, errs)
			}
		}
	}
	for text, want := range map[string]string{
		"id=42\nname=secret": "person 2: want words that begin with id=, email=, cio_id= or phone=",
		"email=secret":       "person 1: parse email: the value is not a single address",
		"# nobody":           "names nobody",
	} {
		if _, errs, code := s.runIn(t.Context(), strings.NewReader(text), "person", "erase", "--yes", "--file", "-"); code != 2 || !strings.Contains(errs, want) || strings.Contains(errs, "secret") {
			t.Errorf("%q: code %d, want %q in\n%s", text, code, want, errs)
		}
	}
	s.wrong("takes one person", "person", "export", "--id", "jo-42", "--file", "x")
}

func TestPersonExport(t *testing.T) {
	t.Parallel()
	s := newPersonShell(t)
	out, errs, code := s.run("person", "export", "--workspace", "acme", "--id", "jo-42")
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if code != 0 || len(lines) != 2 || !strings.Contains(errs, "stream: 2 events, 0 more") {
		t.Fatalf("code %d\n%s%s", code, out, errs)
	}
	var r privacy.Record
	if err := json.Unmarshal([]byte(lines[0]), &r); err != nil || r.Store != "stream" || r.EventID != "a" && r.EventID != "b" || !strings.Contains(lines[0], `jo\u0040mail.example"},"content":"<p>"`) {
		t.Errorf("%s, %v", lines[0], err)
	}
}

// erase shows the plan, and erases with --yes. The receipt and the messages have no
// identifier.
func TestPersonErase(t *testing.T) {
	t.Parallel()
	s := newPersonShell(t)
	args := []string{"person", "erase", "--workspace", "acme", "--email", "jo@mail.example", "--id", "jo-42"}
	if out := s.ok(args...); !strings.Contains(out, "stream        2") || !strings.Contains(out, "run it again with --yes") || s.messages() != 3 {
		t.Errorf("the plan is\n%s", out)
	}
	out, errs, code := s.run(append(args, "--yes", "--output", "json")...)
	var r people.Receipt
	if err := json.Unmarshal([]byte(out), &r); err != nil || code != 0 || !r.Clean || r.Stores[0].Erased != 2 || s.messages() != 1 {
		t.Fatalf("code %d, %v\n%s%s", code, err, out, errs)
	}
	silent(t, out+errs)
	list := s.ok("person", "list-erased")
	silent(t, list)
	if strings.Count(list, r.Request) != 2 || !strings.Contains(list, r.Persons[0].Marks[0].Mark) {
		t.Errorf("the list is\n%s", list)
	}
	if out := s.ok("person", "forget-erasure", "--workspace", "acme", "--id", "jo-42"); strings.Count(out, r.Request) != 2 || !strings.Contains(out, "the list is unchanged") {
		t.Errorf("forget-erasure shows\n%s", out)
	}
	s.ok("person", "forget-erasure", "--workspace", "acme", "--id", "jo-42", "--yes")
	if out := s.ok("person", "list-erased"); out != "nobody was erased\n" {
		t.Errorf("the list is\n%s", out)
	}
	if _, errs, code := s.run("person", "forget-erasure", "--workspace", "acme", "--id", "jo-42", "--yes"); code != 1 || !strings.Contains(errs, "no erased person has") {
		t.Errorf("code %d\n%s", code, errs)
	}
	s.ok(append(args, "--yes")...)
	s.env["PRIVACY_KEY"] = strings.Repeat("x", 32)
	if _, errs, code := s.run("person", "forget-erasure", "--workspace", "acme", "--id", "jo-42", "--yes"); code != 1 || !strings.Contains(errs, "the fingerprint of PRIVACY_KEY is") {
		t.Errorf("with another key: code %d\n%s", code, errs)
	}
	if _, errs, code := s.run(append(args, "--yes")...); code != 1 || !strings.Contains(errs, "cioctl: nothing was erased: the list of erased persons has") || strings.Contains(errs, "not complete") {
		t.Errorf("an erasure with another key: code %d\n%s", code, errs)
	}
	delete(s.env, "PRIVACY_KEY")
	if _, errs, code := s.run(append(args, "--yes")...); code != 1 || !strings.Contains(errs, "PRIVACY_KEY is not set") {
		t.Errorf("without a key: code %d\n%s", code, errs)
	}
}

// A refusal says how to go on.
func TestPersonEraseRefuses(t *testing.T) {
	t.Parallel()
	s := newPersonShell(t)
	s.store(event.DeadLetter{Message: *personMessage(t, "d", jo), From: "suppression", Reason: fault.ReasonHeldSuppression, Err: "why", StoredAt: died, DiedAt: died})
	args := []string{"person", "erase", "--workspace", "acme", "--id", "jo-42", "--yes"}
	out, errs, code := s.run(args...)
	if code != 1 || !strings.Contains(errs, "cioctl dead redrive --reason held_suppression (all held suppressions), or delete them with --drop-effects") || !strings.Contains(out, "held_suppression") || s.messages() != 3 {
		t.Errorf("with a held suppression: code %d\n%s%s", code, out, errs)
	}
	out, errs, code = s.run(append(args, "--drop-effects", "--output", "json")...)
	if code != 0 || !strings.Contains(out, `"dropped_effects": 1`) || s.messages() != 1 {
		t.Errorf("with --drop-effects: code %d\n%s%s", code, out, errs)
	}
	if _, err := s.conn.OpenConsumer(t.Context(), "warehouse", []string{stream.AllEvents}); err != nil {
		t.Fatal(err)
	}
	if err := s.conn.SetStore(t.Context(), "warehouse", stream.Store{ID: "x", Place: "duckdb elsewhere"}); err != nil {
		t.Fatal(err)
	}
	for _, command := range []string{"find", "erase", "export"} {
		out, errs, code := s.run("person", command, "--workspace", "acme", "--id", "ann-43")
		if code != 3 || !strings.Contains(out+errs, "WAREHOUSE_URL does not name this warehouse") {
			t.Errorf("%s with an unknown warehouse: code %d\n%s%s", command, code, out, errs)
		}
	}
	if s.messages() != 1 {
		t.Error("a message was erased in spite of an unknown warehouse")
	}
}

// While a warehouse is behind, erase erases nothing: the first events of a person may be on
// their way, and with them the person's identifiers.
func TestPersonWaitsForTheWarehouse(t *testing.T) {
	t.Parallel()
	s := newPersonShell(t)
	s.env["WAREHOUSE_URL"] = "duckdb:" + filepath.Join(t.TempDir(), "e.duckdb")
	write(t, s.env["WAREHOUSE_URL"], nil)
	if _, err := s.conn.OpenConsumer(t.Context(), "warehouse", []string{stream.AllEvents}); err != nil {
		t.Fatal(err)
	}
	for _, command := range []string{"find", "export", "erase", "erase --yes"} {
		args := append(append([]string{"person"}, strings.Fields(command)...), "--workspace", "acme", "--id", "jo-42", "--wait", "10ms")
		out, errs, code := s.run(args...)
		if code != 3 || !strings.Contains(errs, "consumer warehouse (3 messages left) has not passed") || strings.Contains(out, "--yes") || s.messages() != 3 {
			t.Errorf("%s: code %d\n%s%s", command, code, out, errs)
		}
	}
	if list := s.ok("person", "list-erased"); list != "nobody was erased\n" {
		t.Errorf("the list is\n%s", list)
	}
}
