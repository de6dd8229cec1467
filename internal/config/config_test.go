package config_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cioevents/cioevents/internal/config"
)

// A mistake has the name that the operator typed and the value as it was typed.
func TestMistakeNamesWhatWasTyped(t *testing.T) {
	t.Parallel()
	for want, args := range map[string][]string{
		`invalid --addr "x": want HOST:PORT or :PORT, with a port up to 65535`: {"--addr=x"},
		`invalid --addr ":999999": want HOST:PORT`:                             {"--ADDR=:999999"},
		`invalid --count "00": want a whole number above 0`:                    {"--count=00"},
		`invalid --choice "c": want a or b`:                                    {"--choice=c"},
		`invalid --url: want an http or https address such as http://x`:        {"--url=ftp://x"},
		`invalid COUNT "00": want a whole number above 0`:                      nil,
		`invalid CHOICE "d": want a or b`:                                      nil,
		`invalid URL: want an http`:                                            nil,
	} {
		var addr, choice, url string
		var count int
		env := map[string]string{}
		if args == nil {
			env = map[string]string{"COUNT": "00", "CHOICE": "d", "URL": "ftp://x"}
		}
		s := config.New("test", func(name string) string { return env[name] })
		s.Address(&addr, "ADDR", ":1", "address")
		s.Count(&count, "COUNT", 1, "count")
		s.Choice(&choice, "CHOICE", "a", "choice", "a", "b")
		s.String(&url, "URL", "http://x", "url")
		s.Check(func() error { return errors.Join(nil, config.WebAddress("URL", url, "http://x")) })
		if err := s.Parse(args); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: got %v, want %s", args, err, want)
		}
	}
}

// Another encoding makes another key, and every call would be refused.
func TestSecretInAnotherEncoding(t *testing.T) {
	t.Parallel()
	for name, content := range map[string]string{
		"UTF-16, little-endian": "\xff\xfek\x00e\x00y\x00",
		"UTF-16, big-endian":    "\xfe\xff\x00k\x00e\x00y",
		"UTF-16 without a mark": "k\x00e\x00y\x00",
		"Latin-1":               "k\xe9y",
	} {
		path := filepath.Join(t.TempDir(), "key")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		var v settings
		err := v.set(map[string]string{"API_KEY_FILE": path}).Parse(nil)
		if err == nil || !strings.Contains(err.Error(), "API_KEY_FILE: "+path+" is not a text in UTF-8") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// settings has one setting of each type.
type settings struct {
	addr, secret string
	loops        int
	rate         float64
	dry          bool
	size         config.Bytes
	wait         config.Duration
	metrics      config.List
}

func (v *settings) set(env map[string]string) *config.Set {
	s := config.New("test", func(name string) string { return env[name] })
	s.String(&v.addr, "INGEST_ADDR", ":8080", "address")
	s.Secret(&v.secret, "API_KEY", "key")
	s.Int(&v.loops, "LOOPS", 2, "loops")
	s.Var(config.Above0(&v.rate, 1.5), "RATE", "rate")
	s.Bool(&v.dry, "DRY", false, "dry")
	s.Var(&v.size, "SIZE", "size")
	s.Var(&v.wait, "WAIT", "wait")
	s.Var(&v.metrics, "METRICS", "metrics")
	return s
}

func TestParse(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(path, []byte(" from file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	windows := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(windows, []byte("\ufefffrom file\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		env  map[string]string
		args []string
		want settings
	}{
		{"defaults", nil, nil, settings{addr: ":8080", loops: 2, rate: 1.5}},
		{
			"environment",
			map[string]string{"INGEST_ADDR": ":1", "API_KEY": "k", "LOOPS": "3", "RATE": "0.5", "DRY": "true", "SIZE": "8MiB", "WAIT": "192h", "METRICS": "a, b,"},
			nil,
			settings{":1", "k", 3, 0.5, true, 8 << 20, config.Duration(192 * time.Hour), config.List{"a", "b"}},
		},
		{"flag wins", map[string]string{"INGEST_ADDR": ":1"}, []string{"--ingest-addr=:2"}, settings{addr: ":2", loops: 2, rate: 1.5}},
		{"a switch", nil, []string{"--dry"}, settings{addr: ":8080", loops: 2, rate: 1.5, dry: true}},
		{"name of the variable", map[string]string{"INGEST_ADDR": ":1"}, []string{"--INGEST_ADDR", ":3"}, settings{addr: ":3", loops: 2, rate: 1.5}},
		{"secret from a file", map[string]string{"API_KEY_FILE": path}, nil, settings{addr: ":8080", secret: "from file", loops: 2, rate: 1.5}},
		{"secret from a file of Windows", map[string]string{"API_KEY_FILE": windows}, nil, settings{addr: ":8080", secret: "from file", loops: 2, rate: 1.5}},
		{"secret that was copied from such a file", map[string]string{"API_KEY": "\ufefffrom file\r\n"}, nil, settings{addr: ":8080", secret: "from file", loops: 2, rate: 1.5}},
		{"secret itself wins", map[string]string{"API_KEY_FILE": path, "API_KEY": "k"}, nil, settings{addr: ":8080", secret: "k", loops: 2, rate: 1.5}},
		{"no file for what is no secret", map[string]string{"INGEST_ADDR_FILE": path}, nil, settings{addr: ":8080", loops: 2, rate: 1.5}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var got settings
			if err := got.set(tt.env).Parse(tt.args); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(settings{})); diff != "" {
				t.Errorf("settings (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAllMistakesTogether(t *testing.T) {
	t.Parallel()
	var v settings
	s := v.set(map[string]string{"LOOPS": "many", "SIZE": "8 apples", "API_KEY_FILE": "/nowhere/key"})
	s.Check(func() error { return errors.New("INGEST_ADDR: is a mistake") })
	err := s.Parse(nil)
	if _, ok := errors.AsType[*config.UsageError](err); !ok {
		t.Fatalf("Parse = %v, want a UsageError", err)
	}
	for _, want := range []string{`invalid LOOPS "many": want a whole number`, `invalid SIZE "8 apples": want a size above 0 such as 8MiB`, "API_KEY_FILE: ", "INGEST_ADDR: is a mistake"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not say %q", err, want)
		}
	}
}

func TestWrongArguments(t *testing.T) {
	t.Parallel()
	for _, arg := range []string{"--nonsense=1", "word", "--loops=many"} {
		err := new(settings).set(nil).Parse([]string{arg})
		if _, ok := errors.AsType[*config.UsageError](err); !ok {
			t.Errorf("Parse(%s) = %v, want a UsageError", arg, err)
		}
	}
	if err := new(settings).set(nil).Parse([]string{"--help"}); !errors.Is(err, config.ErrHelp) {
		t.Errorf("Parse(--help) = %v", err)
	}
	if err := new(settings).set(nil).Parse([]string{"--version"}); !errors.Is(err, config.ErrVersion) {
		t.Errorf("Parse(--version) = %v", err)
	}
}

func TestExitCode(t *testing.T) {
	t.Parallel()
	tests := []struct {
		err  error
		code int
		text string
	}{
		{nil, 0, ""},
		{config.ErrHelp, 0, ""},
		{config.ErrVersion, 0, ""},
		{errors.New("a\nb"), 1, "p: a\np: b\n"},
		{fmt.Errorf("read: %w", context.Canceled), 1, "p: interrupted\n"},
		{&config.UsageError{Err: errors.New("a")}, 2, "p: a\np: run with --help to see all settings\n"},
		{fmt.Errorf("report: %w", &config.StatusError{Err: errors.New("a"), Code: 4}), 4, "p: report: a\n"},
	}
	for _, tt := range tests {
		var w strings.Builder
		if code := config.ExitCode(&w, "p", tt.err); code != tt.code || w.String() != tt.text {
			t.Errorf("ExitCode(%v) = %d, %q, want %d, %q", tt.err, code, w.String(), tt.code, tt.text)
		}
	}
}

func TestHelp(t *testing.T) {
	t.Parallel()
	var w strings.Builder
	s := new(settings).set(map[string]string{"API_KEY": "very-secret"})
	if err := errors.Join(s.Load(), s.PrintHelp(&w, "Does things.")); err != nil {
		t.Fatal(err)
	}
	if text := w.String(); !strings.Contains(text, "--ingest-addr") || !strings.HasPrefix(text, "Does things.") || strings.Contains(text, "very-secret") {
		t.Errorf("help:\n%s", text)
	}
	want := []string{"INGEST_ADDR", "API_KEY", "LOOPS", "RATE", "DRY", "SIZE", "WAIT", "METRICS"}
	var names []string
	for _, setting := range s.Settings() {
		names = append(names, setting.Name)
	}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("names of Settings (-want +got):\n%s", diff)
	}
}
