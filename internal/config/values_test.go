package config_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cioevents/cioevents/internal/config"
)

func TestBytes(t *testing.T) {
	t.Parallel()
	tests := []struct {
		text, written string
		want          config.Bytes
	}{
		{"0", "0", 0},
		{"4097", "4097", 4097},
		{"7B", "7", 7},
		{"8MiB", "8MiB", 8 << 20},
		{" 2 GB ", "1953125KiB", 2e9},
		{"1024KiB", "1MiB", 1 << 20},
		{"3TiB", "3TiB", 3 << 40},
		{"unlimited", "unlimited", -1},
		{"-1", "unlimited", -1},
	}
	for _, tt := range tests {
		var b config.Bytes
		if err := b.Set(tt.text); err != nil || b != tt.want || b.String() != tt.written {
			t.Errorf("Set(%q) = %v, %d, written %q", tt.text, err, b, b.String())
		}
	}
	for _, text := range []string{"", "MiB", "1.5MiB", "8 apples", "9999999999TiB"} {
		if err := new(config.Bytes).Set(text); err == nil {
			t.Errorf("Set(%q) succeeds", text)
		}
	}
}

func TestDuration(t *testing.T) {
	t.Parallel()
	tests := []struct {
		text, written string
		want          time.Duration
	}{
		{"0", "0s", 0},
		{"192h", "192h", 192 * time.Hour},
		{"90m", "1h30m", 90 * time.Minute},
		{"2.5s", "2.5s", 2500 * time.Millisecond},
		{"10m", "10m", 10 * time.Minute},
		{"20s", "20s", 20 * time.Second},
	}
	for _, tt := range tests {
		var d config.Duration
		if err := d.Set(tt.text); err != nil || time.Duration(d) != tt.want || d.String() != tt.written {
			t.Errorf("Set(%q) = %v, %v, written %q", tt.text, err, time.Duration(d), d.String())
		}
	}
	for _, text := range []string{"", "5", "-1s", "soon"} {
		if err := new(config.Duration).Set(text); err == nil {
			t.Errorf("Set(%q) succeeds", text)
		}
	}
}

func TestWorkspaces(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		env  map[string]string
		want []config.Workspace
	}{
		{
			"one",
			map[string]string{"CUSTOMERIO_WEBHOOK_SECRET": "new, old", "CUSTOMERIO_SITE_ID": "s", "CUSTOMERIO_TRACK_API_KEY": "k"},
			[]config.Workspace{{Name: "default", Secrets: []string{"new", "old"}, SiteID: "s", APIKey: "k"}},
		},
		{
			"named",
			map[string]string{
				"CUSTOMERIO_WORKSPACES": "acme,big-co", "CUSTOMERIO_ACME_WEBHOOK_SECRET": "a", "CUSTOMERIO_ACME_SITE_ID": "s",
				"CUSTOMERIO_ACME_TRACK_API_KEY": "k", "CUSTOMERIO_BIG_CO_WEBHOOK_SECRET": "b", "CUSTOMERIO_WEBHOOK_SECRET": "nobody's",
			},
			[]config.Workspace{{Name: "acme", Secrets: []string{"a"}, SiteID: "s", APIKey: "k"}, {Name: "big-co", Secrets: []string{"b"}}},
		},
	}
	for _, tt := range tests {
		w, err := workspaces(tt.env)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if diff := cmp.Diff(tt.want, w.All()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}

func workspaces(env map[string]string) (*config.Workspaces, error) {
	s := config.New("test", func(name string) string { return env[name] })
	w := &config.Workspaces{}
	w.Declare(s, config.WantSecrets, config.WantTrack)
	return w, s.Parse(nil)
}

func TestWorkspacesRequire(t *testing.T) {
	t.Parallel()
	w, err := workspaces(map[string]string{"CUSTOMERIO_WORKSPACES": "acme,globex", "CUSTOMERIO_ACME_WEBHOOK_SECRET": "a", "CUSTOMERIO_ACME_SITE_ID": "s"})
	if err != nil {
		t.Fatal(err)
	}
	mentions(t, w.RequireSecrets(), "CUSTOMERIO_GLOBEX_WEBHOOK_SECRET")
	mentions(t, w.RequireTrack(), "CUSTOMERIO_ACME_TRACK_API_KEY", "CUSTOMERIO_GLOBEX_SITE_ID", "CUSTOMERIO_GLOBEX_TRACK_API_KEY")
	_, err = workspaces(map[string]string{"CUSTOMERIO_WORKSPACES": "Acme,a.b", "CUSTOMERIO_A_B_SITE_ID": "s"})
	mentions(t, err, `invalid CUSTOMERIO_WORKSPACES "Acme": want`, `invalid CUSTOMERIO_WORKSPACES "a.b": want`)
}

// mentions fails the test unless err has exactly one line for each text.
func mentions(t *testing.T, err error, texts ...string) {
	t.Helper()
	if err == nil {
		t.Errorf("no error, want %q", texts)
		return
	}
	if n := strings.Count(err.Error(), "\n") + 1; n != len(texts) {
		t.Errorf("%d lines, want %d: %v", n, len(texts), err)
	}
	for _, text := range texts {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("%q does not mention %s", err, text)
		}
	}
}
