package config

import (
	"cmp"
	"fmt"
	"net/url"
	"regexp"
	"strings"
)

// Names of the variables, which are those of every OpenTelemetry SDK:
// https://opentelemetry.io/docs/specs/otel/protocol/exporter/
const (
	otlpEndpoint       = "OTEL_EXPORTER_OTLP_ENDPOINT"
	otlpTracesEndpoint = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
	otlpProtocol       = "OTEL_EXPORTER_OTLP_PROTOCOL"
	otlpTracesProtocol = "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"
	otlpHeaders        = "OTEL_EXPORTER_OTLP_HEADERS"
	otlpTracesHeaders  = "OTEL_EXPORTER_OTLP_TRACES_HEADERS"
)

// onlyProtocol is the one that the programs speak. Every collector does.
const onlyProtocol = "http/protobuf"

// Traces is the settings of tracing. What else the OpenTelemetry SDK can be
// told, it reads from the environment itself.
type Traces struct{ Endpoint, TracesEndpoint, Protocol string }

// Declare adds the settings to the set.
func (t *Traces) Declare(s *Set) {
	s.String(&t.Endpoint, otlpEndpoint, "", "OpenTelemetry collector that gets traces, e.g. http://localhost:4318; none are made without. From the environment alone: OTEL_TRACES_SAMPLER, OTEL_TRACES_SAMPLER_ARG, OTEL_SERVICE_NAME, OTEL_EXPORTER_OTLP_HEADERS")
	s.String(&t.TracesEndpoint, otlpTracesEndpoint, "", "whole address that traces are posted to, in place of "+otlpEndpoint+" with /v1/traces")
	s.String(&t.Protocol, otlpProtocol, onlyProtocol, "protocol of the collector; there is no other")
	s.Check(t.check)
	s.Check(func() error { return t.checkProtocol(otlpTracesProtocol, s.Value(otlpTracesProtocol)) })
	for _, name := range []string{otlpHeaders, otlpTracesHeaders} {
		s.Check(func() error { return checkHeaders(name, s.Value(name)) })
	}
}

// URL is where traces are posted to, "" when they are off.
func (t *Traces) URL() string {
	if t.TracesEndpoint != "" || t.Endpoint == "" {
		return t.TracesEndpoint
	}
	return strings.TrimRight(t.Endpoint, "/") + "/v1/traces"
}

func (t *Traces) check() error {
	for _, v := range []struct{ name, value string }{{otlpEndpoint, t.Endpoint}, {otlpTracesEndpoint, t.TracesEndpoint}} {
		u, err := url.Parse(cmp.Or(v.value, "http://none"))
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return fmt.Errorf("%s: is no http or https address", v.name) // which may hold a password
		}
	}
	return t.checkProtocol(otlpProtocol, t.Protocol)
}

// headerPair is a field name of HTTP (RFC 9110) and its value.
var headerPair = regexp.MustCompile("^\\s*[0-9A-Za-z!#$%&'*+.^_`|~-]+\\s*=")

// checkHeaders finds what the SDK would leave out and quote: headers hold keys.
func checkHeaders(name, list string) error {
	if list == "" {
		return nil
	}
	for pair := range strings.SplitSeq(list, ",") {
		_, value, _ := strings.Cut(pair, "=")
		if _, err := url.PathUnescape(value); err != nil || !headerPair.MatchString(pair) {
			return fmt.Errorf("%s: is no list as name=value,name=value; a %% in a value is written %%25", name)
		}
	}
	return nil
}

// checkProtocol lets a program without traces run beside others that have them.
func (t *Traces) checkProtocol(name, value string) error {
	if t.URL() == "" {
		return nil
	}
	return OneOf(name, cmp.Or(value, onlyProtocol), onlyProtocol)
}
