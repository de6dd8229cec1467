package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cioevents/cioevents/internal/config"
	"github.com/cioevents/cioevents/internal/stream"
)

func TestVersion(t *testing.T) {
	t.Parallel()
	if out := (&shell{t: t}).ok("--version"); out != "cioctl "+config.Version()+"\n" {
		t.Errorf("--version prints %q", out)
	}
	(&shell{t: t}).wrong("unknown flag", "-v")
}

func TestSendIsWronglyUsed(t *testing.T) {
	t.Parallel()
	s := &shell{t: t}
	for hint, args := range map[string][]string{
		`invalid --campaign "-3": want a whole number above 0`:    {"--campaign", "-3"},
		`invalid --campaign "0": want a whole number above 0`:     {"--campaign", "0"},
		"--campaign-id needs --campaign":                          {"--campaign-id", "7"},
		`invalid --connections "-1": want a whole number above 0`: {"--connections", "-1"},
		`invalid --rate "Inf": want a number, 0 or more`:          {"--rate", "Inf"},
		`invalid --retries "x": want a whole number, 0 or more`:   {"--retries", "x"},
		`invalid --campaign-id "x": want a whole number`:          {"--campaign-id", "x"},
		`invalid --url: want an http or https address such as`:    {"--url", "nonsense"},
		`invalid --output "xml": want table or json`:              {"--output", "xml"},
		"exclude each other":                                      {"--stdin", "--campaign", "3"},
		"cioctl send --list":                                      {"no_such_sample"},
	} {
		s.wrong(hint, append([]string{"send"}, args...)...)
	}
	s.wrong("exclude each other", "send", "email_opened_human", "--stdin")
	s.wrong("--signature: is required", "verify", "--customerio-webhook-secret", "k")
}

// The kind of fault: of two flags that contradict each other, one is ignored without a word.
func TestFlagsThatContradictEachOther(t *testing.T) {
	t.Parallel()
	s := &shell{t: t}
	for _, args := range [][]string{
		{"report", "--days", "1", "--since", "-7d"},
		{"report", "--health", "--days", "30", "--since", "-7d"},
		{"warehouse", "rollup", "--days", "3", "--since", "-7d"},
		{"person", "find", "--id", "n1", "--exact", "--all"},
		{"person", "export", "--id", "n1", "--exact", "--all"},
		{"person", "erase", "--id", "n1", "--exact", "--all"},
	} {
		s.wrong("exclude each other: give one of the two", args...)
	}
	missing := "duckdb:" + filepath.Join(t.TempDir(), "none.duckdb")
	for _, args := range [][]string{ // an empty text is no flag, as --since "$SINCE" with an unset variable
		{"report", "--days", "1", "--since", "", "--warehouse-url", missing},
		{"report", "--days", "1", "--until", "-1d", "--warehouse-url", missing},
	} {
		if _, errs, code := s.run(args...); code == 2 {
			t.Errorf("%q: %s", args, errs)
		}
	}
}

// An error about a flag or an argument quotes the value and says what is accepted.
func TestMistakesSayWhatIsAccepted(t *testing.T) {
	t.Parallel()
	s := &shell{t: t}
	for hint, args := range map[string][]string{
		`invalid --deliveries "0": want a whole number above 0`:           {"demo", "--deliveries", "0"},
		`invalid --rate "-1": want a number, 0 or more`:                   {"demo", "--rate", "-1"},
		`invalid --days "-1": want a whole number, 0 or more`:             {"report", "--days", "-1"},
		`invalid --campaign "x": want a whole number above 0`:             {"report", "--campaign", "x"},
		`invalid --campaign "0": want a whole number above 0`:             {"report", "--campaign", "0"},
		`invalid --grace "-1s": want a duration such as 30s, 10m or 192h`: {"warehouse", "compact", "--grace", "-1s"},
		`--since: "x" is not a time: want 2026-11-01, `:                   {"tail", "--since", "x"},
		`--source: "email:4" is not a source: want campaign, broadcast, `: {"tail", "--source", "email:4"},
		`invalid --wait "3": want a duration such as`:                     {"query", "--wait", "3", "FROM x"},
		`invalid --wait "-3s": want a duration such as`:                   {"report", "--wait", "-3s"},
		`invalid --data "": want the path of a folder`:                    {"dev", "--data", ""},
		`invalid --ingest-addr ":999999": want HOST:PORT`:                 {"dev", "--ingest-addr", ":999999"},
		`invalid --stream-replicas "6": want a whole number from 1 to 5`:  {"stream", "apply", "--stream-replicas", "6"},
		`invalid --stream-max-bytes "0": want unlimited or a size`:        {"stream", "apply", "--stream-max-bytes", "0"},
		"want the number of a dead letter, see cioctl dead list":          {"dead", "show"},
		"want the ID of a replay":                                         {"replay", "cancel"},
		"want one SQL statement":                                          {"query"},
		"want the path of one file":                                       {"effects", "check", "a", "b"},
		"want the NAME of an effects consumer":                            {"consumer", "start", "--from", "now"},
	} {
		s.wrong(hint, args...)
	}
	for _, hint := range []string{`--to: "e mail"`, `--since: "once"`, `--until: "later"`, `--filter: cannot filter by "a"`} {
		s.wrong(hint, "replay", "start", "--to", "e mail", "--since", "once", "--until", "later", "--filter", "a=b")
	}
	for since, until := range map[string]string{"-7d": "-8d", "2026-11-24": "2026-11-23"} {
		s.wrong("--until is before --since", "report", "--since", since, "--until", until)
	}
	for _, hint := range []string{`--since: "once"`, `--until: "later"`, `--reason: "bad"`} {
		s.wrong(hint, "dead", "list", "--since", "once", "--until", "later", "--reason", "bad")
	}
}

// The kind of fault: --person "$WHO" with an unset variable selects everybody.
func TestEmptyFilter(t *testing.T) {
	t.Parallel()
	s := &shell{t: t}
	for flags, command := range map[string][]string{
		"--since --workspace --object-type --metric --person --source":   {"tail"},
		"--from --reason --workspace --metric --subject --since --until": {"dead", "list"},
		"--reason --workspace --metric --subject":                        {"dead", "redrive", "--from", "ingest"},
		"--from --workspace --metric --subject":                          {"dead", "drop", "--reason", "not_json", "--yes"},
		"--since --until --filter":                                       {"replay", "start", "--to", "warehouse"},
	} {
		for flag := range strings.FieldsSeq(flags) {
			s.wrong(flag+": is empty", append(slices.Clip(command), flag, "")...)
		}
	}
	s.wrong("--metric: is empty", "tail", "--metric", "bounced,")
	for _, source := range []string{"campaign:", "campaign:x", "transactional:", "email"} {
		s.wrong(`is not a source: want campaign, broadcast, newsletter, transactional, alone or with an id`, "tail", "--source", source)
	}
}

// The error after a refusal says what to check.
func TestSendRefused(t *testing.T) {
	t.Parallel()
	s := &shell{t: t}
	for status, hint := range map[int]string{
		http.StatusUnauthorized:       "--customerio-webhook-secret",
		http.StatusNotFound:           "/webhooks/customerio",
		http.StatusServiceUnavailable: "--retries",
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
		_, errs, code := s.run("send", "--url", server.URL, "email_opened_human")
		server.Close()
		if code != 1 || !strings.Contains(errs, hint) {
			t.Errorf("%d: exit code %d, %s", status, code, errs)
		}
		if status == http.StatusNotFound {
			if _, errs, code := s.run("send", "--url", server.URL, "email_opened_human"); code != 1 || !strings.Contains(errs, "cioctl dev") {
				t.Errorf("no receiver: exit code %d, %s", code, errs)
			}
		}
	}
}

// A line that is too long is an error, not the end of the input.
func TestLineTooLong(t *testing.T) {
	t.Parallel()
	in := "{}\n" + strings.Repeat("x", maxLine+1) + "\n{}\n"
	for _, args := range [][]string{{"effects", "test"}, {"send", "--stdin", "--url", "http://127.0.0.1:1"}} {
		_, errs, code := (&shell{t: t}).runIn(t.Context(), strings.NewReader(in), args...)
		if code != 1 || !strings.Contains(errs, "line 2 of standard input is longer than") {
			t.Errorf("%v: exit code %d, %s", args, code, errs)
		}
	}
}

// Ctrl-C ends a command that waits for standard input.
func TestInterruptedWhileReading(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"send", "--stdin"},
		{"effects", "test"},
		{"verify", "--customerio-webhook-secret", "k", "--signature", "00"},
	} {
		in, hold := io.Pipe()
		ctx, cancel := context.WithCancel(t.Context())
		var errs bytes.Buffer
		done := make(chan int, 1)
		go func() {
			err := run(ctx, args, func(string) string { return "" }, in, io.Discard, &errs)
			done <- config.ExitCode(&errs, "cioctl", err)
		}()
		if _, err := hold.Write([]byte("{}\n")); err != nil { // the command is reading
			t.Fatal(err)
		}
		cancel()
		select {
		case code := <-done:
			if code != 1 || !strings.Contains(errs.String(), "interrupted") {
				t.Errorf("%v: exit code %d, %s", args, code, errs.String())
			}
		case <-time.After(30 * time.Second):
			t.Fatalf("%v does not end", args)
		}
		hold.Close()
	}
}

// Standard output is JSON and nothing else, even when the command waits.
func TestReplayWaitIsJSON(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	s.publish("a", "bounced")
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	out, errs, code := s.runIn(ctx, strings.NewReader(""), "replay", "start", "--to", "warehouse", "--wait", "--output", "json")
	if code != 1 || out != "" {
		t.Errorf("after a deadline: exit code %d, %q, %s", code, out, errs)
	}
	interrupted, stop := context.WithCancel(t.Context())
	context.AfterFunc(t.Context(), stop)
	time.AfterFunc(time.Second, stop)
	out, errs, code = s.runIn(interrupted, strings.NewReader(""), "replay", "start", "--to", "warehouse", "--wait", "--output", "json")
	var r stream.Replay
	if err := json.Unmarshal([]byte(out), &r); err != nil || code != 0 || r.Total != 1 || r.Done || !strings.Contains(errs, "goes on") {
		t.Errorf("Ctrl-C: exit code %d, %q, %s, %v", code, out, errs, err)
	}
}

func TestNothingIsSelected(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	for _, command := range [][]string{{"dead", "redrive", "77"}, {"dead", "drop", "77", "--yes"}} {
		if _, errs, code := s.run(command...); code != 1 || !strings.Contains(errs, "no dead letter has the number 77") {
			t.Errorf("%v: exit code %d, %q", command, code, errs)
		}
	}
}

func TestEmptyReports(t *testing.T) {
	t.Parallel()
	s := &shell{t: t}
	url := "duckdb:" + filepath.Join(t.TempDir(), "e.duckdb")
	write(t, url, nil)
	if out := s.ok("report", "--warehouse-url", url); !strings.Contains(out, "no events yet") {
		t.Errorf("report of an empty warehouse:\n%s", out)
	}
	fill(t, url)
	for _, days := range []string{"0", "30"} {
		if out := s.ok("report", "--warehouse-url", url, "--days", days, "--campaign", "123456789"); !strings.Contains(out, "no events of campaign 123456789") {
			t.Errorf("report of an unknown campaign, --days %s:\n%s", days, out)
		}
	}
	s.wrong("exclude each other", "report", "--warehouse-url", url, "--html", "x.html", "--output", "json")
	if out := s.ok("query", "--warehouse-url", url, `SELECT DATE '2026-01-02' AS day, '{"a":[1]}'::JSON AS json, 123456.5 AS n`); !strings.Contains(out, `2026-01-02  {"a":[1]}  123456.5`) {
		t.Errorf("query shows\n%s", out)
	}
}
