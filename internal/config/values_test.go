package config_test

import (
	"cmp"
	"fmt"
	"strings"
	"testing"
	"time"

	diff "github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"

	"github.com/cioevents/cioevents/internal/config"
)

func TestByteLimit(t *testing.T) {
	t.Parallel()
	for _, c := range [][2]string{{"unlimited", "unlimited"}, {"-1", "unlimited"}, {" 42 GiB", "42GiB"}} {
		text, want := c[0], c[1]
		var l config.ByteLimit
		if err := l.Set(text); err != nil || l.String() != want {
			t.Errorf("Set(%q) = %v, written %q", text, err, l.String())
		}
	}
	for _, text := range []string{"", "0", "-5", "8x"} {
		if err := new(config.ByteLimit).Set(text); err == nil || !strings.HasPrefix(err.Error(), "want unlimited or a size") {
			t.Errorf("Set(%q) = %v", text, err)
		}
	}
}

func TestAddress(t *testing.T) {
	t.Parallel()
	for _, text := range []string{":8080", "127.0.0.1:0", "[::1]:9090", "localhost:http"} {
		var a config.Address
		if err := a.Set(text); err != nil || a.String() != text {
			t.Errorf("Set(%q) = %v, written %q", text, err, a.String())
		}
	}
	for _, text := range []string{"8080", ":999999", ":-1", "a:b:1", ":no-such-service"} {
		if err := new(config.Address).Set(text); err == nil {
			t.Errorf("Set(%q) succeeds", text)
		}
	}
}

func TestNumbers(t *testing.T) {
	t.Parallel()
	var n int
	var f float64
	for _, tt := range []struct {
		value pflag.Value
		text  string
		want  string // part of the error
	}{
		{config.AtLeast0(&n, 1), "0", ""},
		{config.AtLeast0(&n, 1), "-1", "want a whole number, 0 or more"},
		{config.AtLeast0(&n, 1), "1.5", "want a whole number, 0 or more"},
		{config.Above0(&n, 1), "0", "want a whole number above 0"},
		{config.Between(&n, 1, 1, 5), "5", ""},
		{config.Between(&n, 1, 1, 5), "6", "want a whole number from 1 to 5"},
		{config.Above0(&f, 1), "0.5", ""},
		{config.Above0(&f, 1), "Inf", "want a number above 0"},
		{config.Above0(&f, 1), "NaN", "want a number above 0"},
		{config.AtLeast0(&f, 1), "-0.5", "want a number, 0 or more"},
	} {
		err := tt.value.Set(tt.text)
		if fmt.Sprint(err) != cmp.Or(tt.want, "<nil>") {
			t.Errorf("Set(%s) = %v, want %q", tt.text, err, tt.want)
		}
		if err == nil && tt.value.String() != tt.text {
			t.Errorf("written %s, want %s", tt.value, tt.text)
		}
	}
}

func TestBytes(t *testing.T) {
	t.Parallel()
	tests := []struct {
		text, written string
		want          config.Bytes
	}{
		{"4097", "4097", 4097},
		{"7B", "7", 7},
		{"8MiB", "8MiB", 8 << 20},
		{" 2 GB ", "1953125KiB", 2e9},
		{"1024KiB", "1MiB", 1 << 20},
		{"3TiB", "3TiB", 3 << 40},
	}
	for _, tt := range tests {
		var b config.Bytes
		if err := b.Set(tt.text); err != nil || b != tt.want || b.String() != tt.written {
			t.Errorf("Set(%q) = %v, %d, written %q", tt.text, err, b, b.String())
		}
	}
	for _, text := range []string{"", "0", "-1", "unlimited", "MiB", "1.5MiB", "8 apples", "9999999999TiB"} {
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
		if text := diff.Diff(tt.want, w.All()); text != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, text)
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

// What two workspaces share cannot tell them apart.
func TestWorkspacesThatCollide(t *testing.T) {
	t.Parallel()
	const (
		names = "CUSTOMERIO_WORKSPACES"
		keys  = "CUSTOMERIO_ACME_WEBHOOK_SECRET, CUSTOMERIO_GLOBEX_WEBHOOK_SECRET: the workspaces have a common signing key"
		sites = "CUSTOMERIO_ACME_SITE_ID, CUSTOMERIO_GLOBEX_SITE_ID: the workspaces have a common site id"
	)
	for _, tt := range []struct {
		name string
		env  map[string]string
		want []string
	}{
		{"variables", map[string]string{names: "a-b,a_b"}, []string{`invalid CUSTOMERIO_WORKSPACES "a-b,a_b": want names whose variables differ: these two both read CUSTOMERIO_A_B_...`}},
		{"variables of others between", map[string]string{names: "a-b,c,a_b"}, []string{`"a-b,a_b"`}},
		{"names", map[string]string{names: "a,b,a"}, []string{`"a,a"`}},
		{"default", map[string]string{names: "default,default"}, []string{`"default,default"`}},
		{"keys", map[string]string{names: "acme,globex", "CUSTOMERIO_ACME_WEBHOOK_SECRET": "same", "CUSTOMERIO_GLOBEX_WEBHOOK_SECRET": "same"}, []string{keys}},
		{"an old key", map[string]string{names: "acme,globex", "CUSTOMERIO_ACME_WEBHOOK_SECRET": "new,same", "CUSTOMERIO_GLOBEX_WEBHOOK_SECRET": "same,old"}, []string{keys}},
		{"site ids", map[string]string{names: "acme,globex", "CUSTOMERIO_ACME_SITE_ID": "same", "CUSTOMERIO_GLOBEX_SITE_ID": "same"}, []string{sites}},
	} {
		_, err := workspaces(tt.env)
		mentions(t, err, tt.want...)
		if err != nil && strings.Contains(err.Error(), "same") {
			t.Errorf("%s: the error quotes the secret: %v", tt.name, err)
		}
	}
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
