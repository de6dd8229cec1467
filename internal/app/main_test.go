package app_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/cioevents/cioevents/internal/app"
	"github.com/cioevents/cioevents/internal/config"
)

func TestConfigure(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		arg, stdout string
		want        error
	}{
		{"--help", "Tests.\n\nUsage:\n  test [--name=value ...]\n", config.ErrHelp},
		{"--version", "test ", config.ErrVersion},
		{"--log-level=debug", "", nil},
	} {
		var cfg app.Config
		var stdout, stderr bytes.Buffer
		program := app.Program{Name: "test", About: "Tests.", Declare: cfg.Declare}
		log, err := program.Configure([]string{tt.arg}, func(string) string { return "" }, &stdout, &stderr)
		if !errors.Is(err, tt.want) || !strings.HasPrefix(stdout.String(), tt.stdout) {
			t.Errorf("%s: error %v, want %v; stdout:\n%s", tt.arg, err, tt.want, stdout.String())
		}
		log.Debug().Msg("hello")
		if said := strings.Contains(stderr.String(), "hello"); said != (tt.want == nil) {
			t.Errorf("%s: stderr is %q", tt.arg, stderr.String())
		}
	}
}

func TestConfigureReportsMistakesTogether(t *testing.T) {
	t.Parallel()
	env := map[string]string{"STREAM_REPLICAS": "many", "LOG_LEVEL": "loud", "LOG_FORMAT": "xml", "STREAM_MAX_AGE": "soon"}
	var cfg app.Config
	var none bytes.Buffer
	_, err := app.Program{Name: "test", Declare: cfg.Declare}.
		Configure(nil, func(name string) string { return env[name] }, &none, &none)
	if _, ok := errors.AsType[*config.UsageError](err); !ok {
		t.Fatalf("error %v, want a UsageError", err)
	}
	for name := range env {
		if !strings.Contains(err.Error(), "invalid "+name+" ") {
			t.Errorf("the mistakes leave out %s:\n%v", name, err)
		}
	}
}
