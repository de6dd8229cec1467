package stream_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/stream/streamtest"
)

// Status names a consumer that NATS refuses to create because of a limit. Only the worker
// knows that the consumer should exist.
func TestStatusOfARefusedConsumer(t *testing.T) {
	t.Parallel()
	srv := streamtest.Start(t)
	conn := srv.Connect(stream.Settings{})
	recreate(t, jetStream(t, srv), stream.Name, func(c *jetstream.StreamConfig) { c.MaxConsumers = 1 })
	if _, err := conn.CreateState(t.Context(), stream.Settings{}); err != nil {
		t.Fatal(err)
	}
	open(t, conn, "suppression", stream.AllEvents)
	rows := conn.NewDurable(stream.DurableConfig{Name: "warehouse", Subjects: []string{stream.AllEvents}})
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	go rows.Run(ctx)
	isNamed := func(s string) bool {
		return strings.Contains(s, "consumer warehouse: ") && strings.Contains(s, "raise the limit of the NATS account or server")
	}
	within(t, "the sentence", func() bool {
		wants(t, "note", conn.NoteSettings(ctx, rows), nil)
		return slices.ContainsFunc(status(t, conn).Problems, isNamed) //nolint:contextcheck // status has the context of t
	})
}
