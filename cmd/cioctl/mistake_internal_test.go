package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/cioevents/cioevents/internal/config"
)

// A mistake in a name is answered with the right name, and with exit code 2.
func TestMisspelt(t *testing.T) {
	t.Parallel()
	s := &shell{t: t}
	for hint, args := range map[string][]string{
		`unknown command "daed": did you mean cioctl dead or dev?`:                                {"daed"},
		`unknown command "lst": did you mean cioctl dead list?`:                                   {"dead", "lst"},
		`unknown command "all": want cioctl dead and one of drop, list, redrive, show`:            {"dead", "all"},
		`run "cioctl dead --help" to see flags and examples`:                                      {"dead", "lst"},
		`unknown command "version": did you mean cioctl --version?`:                               {"version"},
		`unknown flag -o: did you mean --output?`:                                                 {"status", "-o", "json"},
		`unknown flag -v: did you mean --version?`:                                                {"-v"},
		`--reason: "bad" is not a reason: want one of not_json, not_object, too_large, `:          {"dead", "list", "--reason", "bad"},
		`unknown command "stauts": did you mean cioctl status?`:                                   {"help", "stauts"},
		`unknown command "strat": did you mean cioctl replay start?`:                              {"help", "replay", "strat"},
		`unknown flag --reasn: did you mean --reason?`:                                            {"dead", "list", "--reasn", "rejected"},
		`unknown flag --work: did you mean --workspace?`:                                          {"dead", "list", "--work=acme"},
		`run "cioctl dead list --help" to see flags and examples`:                                 {"dead", "list", "--nonsense"},
		`unknown flag --outptu: did you mean --output?`:                                           {"status", "--outptu=json"},
		`--since needs a value: only dead letters from this time on: 2026-11-01`:                  {"dead", "list", "--since"},
		`invalid --body "maybe": want true or false`:                                              {"dead", "show", "1", "--body=maybe"},
		`unexpected argument "now": cioctl status takes flags only`:                               {"status", "now"},
		`unexpected argument "b": want at most one FILE of rules`:                                 {"effects", "show", "a", "b"},
		`unknown shell "tcsh": want bash, fish, powershell or zsh`:                                {"completion", "tcsh"},
		`invalid --url: want an http or https address such as http://127.0.0.1:8080/webhooks/cus`: {"send", "--url", "ftp://x"},
	} {
		s.wrong(hint, args...)
	}
	if out := s.ok("help", "dead", "redrive"); !strings.Contains(out, "redrive sends each selected dead letter again") {
		t.Errorf("help dead redrive:\n%s", out)
	}
}

// The kind of fault: a variable with a common name, of another program, changes a command.
func TestCommonNamesInTheEnvironment(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") }))
	defer server.Close()
	asked := map[string]bool{}
	s := newShell(t)
	s.env = map[string]string{
		"OUTPUT": "xml", "URL": "nonsense", "DATA": "/nowhere", "RATE": "x", "SEED": "x", "RAW": "x", "DELIVERIES": "x",
		"INGEST_ADDR": strings.TrimPrefix(server.URL, "http://"),
		"LOG_FORMAT":  "xml", // ends dev before its start
	}
	for _, args := range [][]string{
		{"send", "email_opened_human"}, {"status"}, {"dead", "list"}, {"replay", "list"}, {"effects", "show"},
	} {
		s.ok(args...)
	}
	// Each command reads all of its variables before it reports the mistakes.
	s.asked = asked
	for _, args := range [][]string{
		{"dev"},
		{"send", "--output=xml"},
		{"query", "--output=xml", "FROM x"},
		{"report", "--output=xml"},
		{"tail", "--output=xml"},
		{"dead", "show", "1", "--output=xml"},
		{"replay", "start", "--output=xml"},
		{"warehouse", "compact", "--output=xml"},
		{"warehouse", "adopt", "--output=xml"},
		{"consumer", "start", "x", "--output=xml"},
		{"effects", "test", "--output=xml"},
		{"verify"},
	} {
		s.wrong("", args...)
	}
	for name := range asked {
		if !strings.Contains(name, "_") {
			t.Errorf("%s is read from the environment", name)
		}
	}
	set := config.New("demo", func(string) string { return "" })
	(&demoConfig{}).Declare(set)
	if list := set.Settings(); len(list) > 0 {
		t.Errorf("demo reads %v", list)
	}
	if len(asked) < 20 {
		t.Errorf("only %d variables are read: %v", len(asked), asked)
	}
}

// send finds a receiver on this machine by the variable that ingest reads.
func TestWebhookURL(t *testing.T) {
	t.Parallel()
	for addr, want := range map[string]string{
		":8443":            "http://127.0.0.1:8443/webhooks/customerio",
		"0.0.0.0:80":       "http://127.0.0.1:80/webhooks/customerio",
		"[::]:80":          "http://127.0.0.1:80/webhooks/customerio",
		"[::1]:80":         "http://[::1]:80/webhooks/customerio",
		"ingest.test:9000": "http://ingest.test:9000/webhooks/customerio",
	} {
		if got := webhookURL(addr); got != want {
			t.Errorf("webhookURL(%s) = %s, want %s", addr, got, want)
		}
	}
}

// An error quotes what a server said.
func TestErrorOfAHostileServer(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusTeapot)
		_, _ = io.WriteString(w, "\x1b]0;X\a\x1b[2J\u009b31m\u202e")
	}))
	defer server.Close()
	if _, errs, code := (&shell{t: t}).run("send", "--url", server.URL, "email_opened_human"); code != 1 || controls(errs) {
		t.Errorf("exit code %d, %q", code, errs)
	}
}
