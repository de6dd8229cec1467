package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cioevents/cioevents/internal/config"
	"github.com/cioevents/cioevents/internal/effect"
	"github.com/cioevents/cioevents/internal/operate"
)

// effects runs "cioctl effects" with this input and these arguments.
func effects(t *testing.T, in string, args ...string) (out string, code int, said string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	c := &cli{getenv: func(string) string { return "" }, in: strings.NewReader(in), out: &stdout, err: &stderr}
	cmd := c.effects()
	cmd.SetArgs(args)
	cmd.SetOut(&stdout)
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	code = config.ExitCode(&stderr, "cioctl", cmd.ExecuteContext(t.Context()))
	return stdout.String(), code, stderr.String()
}

const (
	hardBounce = `{"event_id":"e1","object_type":"email","metric":"bounced","timestamp":1755600006,"data":{"delivery_id":"d1","identifiers":{"id":"42","email":"joe@example.com"},"failure_message":"550 5.1.1 joe@example.com"}}` + "\n"
	noPerson   = `{"event_id":"e2","object_type":"email","metric":"opened","timestamp":1755600006,"data":{}}` + "\n"
	elsewhere  = `{"event_id":"e4","object_type":"email","metric":"bounced","timestamp":1755600006,"data":{"identifiers":{"id":"42","email":"joe@example.com"},"recipient":"ops@example.com","failure_message":"550 5.1.1"}}` + "\n"
	sent       = `{"event_id":"e3","object_type":"email","metric":"sent","timestamp":1755600006,"data":{"identifiers":{"id":"42"}}}` + "\n"
)

func TestEffectsShow(t *testing.T) {
	t.Parallel()
	out, code, said := effects(t, "", "show")
	if code != 0 || out != string(effect.BuiltinFile()) {
		t.Errorf("show: %d %s\n%s", code, said, out)
	}
	path := filepath.Join(t.TempDir(), "effects.yaml")
	if err := os.WriteFile(path, []byte(out), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, code, said = effects(t, "", "show", path); code != 0 || !strings.HasPrefix(out, "version: 1\nrules:\n  - name: bounce\n") {
		t.Errorf("show FILE: %d %s\n%s", code, said, out)
	}
	if out, code, said = effects(t, "", "check", path); code != 0 || !strings.Contains(out, "engagement acts on: clicked, opened\n") {
		t.Errorf("check: %d %s\n%s", code, said, out)
	}
}

func TestEffectsCheckTellsMistakes(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "effects.yaml")
	if err := os.WriteFile(path, []byte("version: 1\nrules: [a]\nx: 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	want := "cioctl: " + path + ":2: a rule must be a mapping, not \"a\"\ncioctl: " + path + ":3: unknown key \"x\" in the file; want one of rules, version\n"
	if _, code, said := effects(t, "", "check", path); code != 1 || said != want {
		t.Errorf("check: %d\n%s\nwant\n%s", code, said, want)
	}
	if _, code, _ := effects(t, "", "check"); code != 2 {
		t.Errorf("check without a file exits %d, want 2", code)
	}
}

// A word that this version does not know may be new at Customer.io.
func TestEffectsCheckWarns(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "effects.yaml")
	if err := os.WriteFile(path, []byte("version: 1\nrules:\n- {name: a, when: {metric: opend}, set: {a: 1}}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	want := "warning: " + path + `:3: rule a: this version does not know the metric "opend"; the nearest known word is "opened"` + "\n" +
		path + ": 1 rules, no mistake\nsuppression acts on: opend\nengagement acts on: nothing\n"
	if out, code, said := effects(t, "", "check", path); code != 0 || out != want {
		t.Errorf("check: %d %s\n%s\nwant\n%s", code, said, out, want)
	}
}

func TestEffectsTest(t *testing.T) {
	t.Parallel()
	out, code, said := effects(t, hardBounce+noPerson+sent+elsewhere, "test")
	if code != 0 {
		t.Fatal(said)
	}
	var got [][]string
	for line := range strings.Lines(out) {
		got = append(got, strings.Fields(line))
	}
	want := [][]string{
		{"EVENT", "WHAT", "RULES", "CALL", "WITH"},
		{"1", "email", "bounced", "hard", "bounce,bounce-suppress", "identify", "email_bounce_class=hard", "email_bounced=true", "email_bounced_at=1755600006", "last_bounce_delivery_id=d1"},
		{"1", "email", "bounced", "hard", "bounce,bounce-suppress", "suppress"},
		{"2", "email", "opened", "engagement", "-", "the", "event", "names", "nobody"},
		{"3", "email", "sent", "-", "-", "no", "rule", "applies"},
		{"4", "email", "bounced", "hard", "-", "-", "the", "message", "went", "to", "an", "address", "other", "than", "the", "person's"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("table (-want +got):\n%s", diff)
	}
	if strings.Contains(out, "joe@") {
		t.Error("the table contains an e-mail address")
	}
}

func TestEffectsTestAsJSON(t *testing.T) {
	t.Parallel()
	out, code, said := effects(t, hardBounce+"nonsense\n", "test", "--mode", "unsubscribe", "--output", "json")
	if code != 1 || !strings.HasPrefix(said, "cioctl: event 2: ") {
		t.Errorf("test: %d %s", code, said)
	}
	var trials []operate.Trial
	if err := json.Unmarshal([]byte(out), &trials); err != nil {
		t.Fatal(err)
	}
	if len(trials) != 1 || len(trials[0].Calls) != 1 || trials[0].Calls[0].Attributes["unsubscribed"] != true || trials[0].Person != effect.ID {
		t.Errorf("trials: %+v", trials)
	}
	for _, args := range [][]string{{"test", "--mode", "kill"}, {"test", "--output", "xml"}, {"test", "a", "b"}} {
		if _, code, _ := effects(t, hardBounce, args...); code != 2 {
			t.Errorf("%q exits %d, want 2", args, code)
		}
	}
	if _, code, said := effects(t, "", "test"); code != 1 || !strings.Contains(said, "no events") {
		t.Errorf("no input: %d %s", code, said)
	}
}
