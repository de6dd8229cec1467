package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/cioevents/cioevents/internal/config"
	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/fault"
	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/pkg/webhook"
)

// controls reports whether a terminal could interpret a part of the output.
func controls(output string) bool {
	return !utf8.ValidString(output) || strings.ContainsFunc(output, func(r rune) bool { return r != '\n' && unicode.In(r, unicode.Cc, unicode.Cf) })
}

// The kind of fault: a text of a stranger reaches the terminal.
func TestTableOfHostileTexts(t *testing.T) {
	t.Parallel()
	hostile := "550 \x1b]0;X\a\x1b[2J\tb\nc\u202e\x9b1m " + strings.Repeat("x", 8_000_000)
	table := func(w io.Writer) { row(w, 1, hostile, map[string]any{"\u009b": "\x1b\u202e"}, nil) }
	var shown, whole bytes.Buffer
	if err := (&output{format: "table"}).print(&shown, nil, table); err != nil {
		t.Fatal(err)
	}
	if got := shown.String(); controls(got) || strings.Count(got, "\n") != 1 || len(got) > 2*cellWidth || !strings.Contains(got, "x…  ") {
		t.Errorf("table: %d bytes, %.300q", len(got), got)
	}
	if err := (&output{format: "table", raw: true}).print(&whole, nil, table); err != nil || !strings.HasPrefix(whole.String(), "1\t"+hostile+"\t") {
		t.Errorf("raw: %v, %.300q", err, whole.String())
	}
	shown.Reset()
	if err := (&output{format: "json"}).print(&shown, map[string]string{"a": hostile[:40] + "\x7f\u009b"}, nil); err != nil || controls(shown.String()) {
		t.Errorf("json: %v, %q", err, shown.String())
	}
}

// Every command that shows a text of a stranger replaces control characters, as table and
// as JSON.
func TestHostileEvent(t *testing.T) {
	t.Parallel()
	const hostile = "550 \x1b]0;X\a\x1b[2J\u009b31m\u202e\x7f"
	quoted, err := json.Marshal(hostile)
	if err != nil {
		t.Fatal(err)
	}
	s := newShell(t)
	m := &event.Message{Workspace: "acme", ID: "a", ObjectType: "email", Metric: "bounced", ReceivedAt: died}
	m.Body = fmt.Appendf(nil, `{"event_id":"a","object_type":"email","metric":"bounced","timestamp":1793000000,"data":{"delivery_id":%[1]s,"transactional_message_id":%[1]s,
"identifiers":{"id":%[1]s},"failure_message":%[1]s,"raw":"`+"\x7f\u009b\x9b"+`"}}`, quoted)
	if _, err := s.pub.Publish(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	d := deadOf(m, "suppression", fault.ReasonRejected, 1)
	d.Err = hostile
	s.store(d)
	url := "duckdb:" + filepath.Join(t.TempDir(), "e.duckdb")
	e, err := webhook.Parse(m.Body)
	if err != nil {
		t.Fatal(err)
	}
	write(t, url, []warehouse.Row{warehouse.NewRow(e, warehouse.Origin{Workspace: "acme", EventID: "a", ReceivedAt: died})})
	for _, args := range [][]string{
		{"dead", "list"},
		{"dead", "show", "1", "--body"},
		{"dead", "redrive", "--all", "--dry-run"},
		{"tail", "--since", "-1h"},
		{"tail", "--dead"},
		{"report", "--days", "0", "--warehouse-url", url},
		{"query", "--warehouse-url", url, "SELECT failure_message, payload FROM customerio_events"},
	} {
		for _, format := range []string{"table", "json"} {
			out, errs, code := s.firstOutput(append(args, "--output", format)...)
			if code != 0 || !strings.Contains(out, "550 ") || controls(out) || controls(errs) {
				t.Errorf("%v as %s: exit code %d\n%q\n%q", args, format, code, out, errs)
			}
		}
	}
	for want, args := range map[string][]string{
		hostile:                                 {"query", "--warehouse-url", url, "--raw", "SELECT failure_message FROM customerio_events"},
		string(m.Body):                          {"dead", "show", "1", "--body", "--raw"},
		"[2J\u009b31m\u202e\x7f":                {"dead", "list", "--raw"}, // the header of the stored error has blanks for C0
		"source=transactional:" + hostile + " ": {"tail", "--since", "-1h", "--raw"},
	} {
		if out, errs, code := s.firstOutput(args...); code != 0 || !strings.Contains(out, want) {
			t.Errorf("%v: exit code %d, %q, %s", args, code, out, errs)
		}
	}
	s.wrong("exclude each other", "tail", "--raw", "--output", "json")
}

// firstOutput runs a command that ends by itself or is interrupted after its first output.
func (s *shell) firstOutput(args ...string) (stdout, stderr string, code int) {
	s.t.Helper()
	ctx, cancel := context.WithCancel(s.t.Context())
	defer cancel()
	out := &interrupting{cancel: func() {}}
	if args[0] == "tail" {
		out.cancel = cancel
	}
	var errs bytes.Buffer
	err := run(ctx, args, func(name string) string { return map[string]string{"NATS_URL": s.url}[name] }, strings.NewReader(""), out, &errs)
	code = config.ExitCode(&errs, "cioctl", err)
	return out.String(), errs.String(), code
}

// interrupting cancels at the first Write.
type interrupting struct {
	bytes.Buffer
	cancel func()
}

func (i *interrupting) Write(p []byte) (int, error) {
	i.cancel()
	return i.Buffer.Write(p)
}

// --raw never prints to a terminal.
func TestRawOnATerminal(t *testing.T) {
	t.Parallel()
	tty, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skip("no terminal: ", err)
	}
	defer tty.Close()
	for _, args := range [][]string{{"tail"}, {"dead", "list"}, {"dead", "show", "1"}, {"report"}, {"effects", "test"}} {
		err := run(t.Context(), append(args, "--raw"), func(string) string { return "" }, strings.NewReader(""), tty, io.Discard)
		if _, ok := errors.AsType[*config.UsageError](err); !ok || !strings.Contains(err.Error(), "redirect standard output") {
			t.Errorf("%v --raw: %v", args, err)
		}
	}
}
