package config_test

import (
	"strings"
	"testing"

	"github.com/cioevents/cioevents/internal/config"
)

func TestTraces(t *testing.T) {
	t.Parallel()
	const (
		endpoint = "OTEL_EXPORTER_OTLP_ENDPOINT"
		traces   = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
		protocol = "OTEL_EXPORTER_OTLP_PROTOCOL"
	)
	for name, tt := range map[string]struct {
		env        map[string]string
		url, wrong string
	}{
		"off":                {map[string]string{}, "", ""},
		"off beside others":  {map[string]string{protocol: "grpc"}, "", ""},
		"endpoint":           {map[string]string{endpoint: "http://c:4318/"}, "http://c:4318/v1/traces", ""},
		"endpoint with path": {map[string]string{endpoint: "https://c/otlp"}, "https://c/otlp/v1/traces", ""},
		"traces wins":        {map[string]string{endpoint: "http://c:4318", traces: "https://t/in"}, "https://t/in", ""},
		"no address":         {map[string]string{endpoint: "c:4318"}, "", "invalid " + endpoint + ": want"},
		"no traces address":  {map[string]string{traces: "ftp://c"}, "", "invalid " + traces + ": want"},
		"gRPC":               {map[string]string{endpoint: "http://c", protocol: "grpc"}, "", "invalid " + protocol + ` "grpc": want http/protobuf`},
		"gRPC for traces":    {map[string]string{endpoint: "http://c", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "grpc"}, "", `TRACES_PROTOCOL "grpc"`},
		"headers":            {map[string]string{"OTEL_EXPORTER_OTLP_HEADERS": "authorization=Basic%20abc, x=y="}, "", ""},
		"odd headers":        {map[string]string{"OTEL_EXPORTER_OTLP_HEADERS": "a=b%zz"}, "", "OTLP_HEADERS: "},
		"nameless header":    {map[string]string{"OTEL_EXPORTER_OTLP_TRACES_HEADERS": "a=b,c"}, "", "TRACES_HEADERS: "},
		"colon for equals":   {map[string]string{"OTEL_EXPORTER_OTLP_HEADERS": "a: b=c"}, "", "OTLP_HEADERS: "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var cfg config.Traces
			set := config.New("test", func(name string) string { return tt.env[name] })
			cfg.Declare(set)
			err := set.Parse(nil)
			if tt.wrong != "" {
				if err == nil || !strings.Contains(err.Error(), tt.wrong) {
					t.Errorf("error is %v, want %s", err, tt.wrong)
				}
				return
			}
			if err != nil || cfg.URL() != tt.url {
				t.Errorf("URL is %q, %v, want %q", cfg.URL(), err, tt.url)
			}
		})
	}
}
