package customerio

import (
	"context"
	"net/url"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/cioevents/cioevents/internal/telemetry"
)

// traced makes a call, in a span if the caller's context has a span. The span omits the
// URL of the call, because the URL names the person. The call carries no trace headers
// to Customer.io.
func (c *Client) traced(ctx context.Context, name, identifier string, send func(context.Context) error) (outcome, error) {
	if !telemetry.Traced(ctx) {
		return judge(send(ctx), identifier)
	}
	ctx, span := telemetry.Child(ctx, "track api "+name, trace.WithSpanKind(trace.SpanKindClient),
		trace.WithAttributes(attribute.String("server.address", host(c.url))))
	defer span.End()
	result, err := judge(send(ctx), identifier)
	span.SetAttributes(attribute.String("cioevents.outcome", string(result)))
	if e := statusOf(err); e != nil {
		span.SetAttributes(attribute.Int("http.response.status_code", e.status))
	}
	if result != outcomeOK {
		telemetry.Fail(span, string(result))
	}
	return result, err
}

func host(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "" // unreachable: New has parsed the address
	}
	return u.Hostname()
}
