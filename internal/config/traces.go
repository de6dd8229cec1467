package config

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
)

// Names of the variables. Every OpenTelemetry SDK uses these names:
// https://opentelemetry.io/docs/specs/otel/protocol/exporter/
const (
	otlpEndpoint       = "OTEL_EXPORTER_OTLP_ENDPOINT"
	otlpTracesEndpoint = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
	otlpProtocol       = "OTEL_EXPORTER_OTLP_PROTOCOL"
	otlpTracesProtocol = "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"
	otlpHeaders        = "OTEL_EXPORTER_OTLP_HEADERS"
	otlpTracesHeaders  = "OTEL_EXPORTER_OTLP_TRACES_HEADERS"
)

// onlyProtocol is the protocol that the programs speak, as every collector does.
const onlyProtocol = "http/protobuf"

// Traces is the settings of tracing. The OpenTelemetry SDK reads further variables
// from the environment itself.
type Traces struct{ Endpoint, TracesEndpoint, Protocol string }

// Declare adds the settings to the set.
func (t *Traces) Declare(s *Set) {
	s.String(&t.Endpoint, otlpEndpoint, "", "address of the OpenTelemetry collector for traces, such as http://localhost:4318; without an address nothing is traced. Variables without a flag: OTEL_TRACES_SAMPLER, OTEL_TRACES_SAMPLER_ARG, OTEL_SERVICE_NAME, OTEL_EXPORTER_OTLP_HEADERS")
	s.String(&t.TracesEndpoint, otlpTracesEndpoint, "", "complete address for traces, instead of "+otlpEndpoint+" with /v1/traces")
	s.String(&t.Protocol, otlpProtocol, onlyProtocol, "protocol of the collector; "+onlyProtocol+" is the only supported value")
	s.Check(func() error {
		return errors.Join(
			checkCollector(otlpEndpoint, t.Endpoint),
			checkCollector(otlpTracesEndpoint, t.TracesEndpoint),
			t.checkProtocol(otlpProtocol, t.Protocol),
			t.checkProtocol(otlpTracesProtocol, s.getenv(otlpTracesProtocol)),
			checkHeaders(otlpHeaders, s.getenv(otlpHeaders)),
			checkHeaders(otlpTracesHeaders, s.getenv(otlpTracesHeaders)))
	})
}

// URL returns the address that traces are posted to, "" without tracing.
func (t *Traces) URL() string {
	if t.TracesEndpoint != "" || t.Endpoint == "" {
		return t.TracesEndpoint
	}
	return strings.TrimRight(t.Endpoint, "/") + "/v1/traces"
}

func checkCollector(name, address string) error {
	const example = "http://localhost:4318"
	return WebAddress(name, cmp.Or(address, example), example)
}

// headerPair is a field name of HTTP (RFC 9110) and its value.
var headerPair = regexp.MustCompile("^\\s*[0-9A-Za-z!#$%&'*+.^_`|~-]+\\s*=")

// checkHeaders finds the mistakes for which the SDK would drop a header and log its
// value, which may be a key.
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

// checkProtocol accepts any protocol in a program without tracing, because the
// variable may be meant for other programs.
func (t *Traces) checkProtocol(name, value string) error {
	if t.URL() == "" {
		return nil
	}
	return OneOf(name, cmp.Or(value, onlyProtocol), onlyProtocol)
}
