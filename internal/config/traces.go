package config

import (
	"cmp"
	"errors"
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
	s.Check(func() error {
		return errors.Join(
			checkURL(otlpEndpoint, t.Endpoint),
			checkURL(otlpTracesEndpoint, t.TracesEndpoint),
			t.checkProtocol(otlpProtocol, t.Protocol),
			t.checkProtocol(otlpTracesProtocol, s.getenv(otlpTracesProtocol)),
			checkHeaders(otlpHeaders, s.getenv(otlpHeaders)),
			checkHeaders(otlpTracesHeaders, s.getenv(otlpTracesHeaders)))
	})
}

// URL is where traces are posted to, "" when they are off.
func (t *Traces) URL() string {
	if t.TracesEndpoint != "" || t.Endpoint == "" {
		return t.TracesEndpoint
	}
	return strings.TrimRight(t.Endpoint, "/") + "/v1/traces"
}

// checkURL does not quote the value, which may hold a password.
func checkURL(name, value string) error {
	u, err := url.Parse(cmp.Or(value, "http://none"))
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return fmt.Errorf("invalid %s: want an http or https address such as http://localhost:4318", name)
	}
	return nil
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
			return fmt.Errorf("invalid %s: want name=value,name=value, with %%25 for a %% in a value", name)
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
