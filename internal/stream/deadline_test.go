package stream_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/rs/zerolog"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/fault"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/stream/streamtest"
)

// The deadline bounds a dead letter of many parts as a whole, not each part.
func TestStoreDeadLetterKeepsItsDeadline(t *testing.T) {
	t.Parallel()
	srv := streamtest.Start(t)
	nc := client(t, srv)
	// A subscriber listens and never answers; no stream exists.
	if _, err := nc.Subscribe("customerio.>", func(*nats.Msg) {}); err != nil {
		t.Fatal(err)
	}
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
	conn, err := stream.Connect(stream.Config{URL: srv.URL(), Log: zerolog.Nop()})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	m := message("large")
	m.Body = []byte(strings.Repeat("[", 4<<20)) // five parts
	begin := time.Now()
	err = publisher(t, conn).StoreDeadLetter(ctx, &event.DeadLetter{Message: *m, From: "ingest", Reason: fault.ReasonNotJSON})
	if took := time.Since(begin); !errors.Is(err, event.ErrStreamUnavailable) || took > time.Second {
		t.Errorf("StoreDeadLetter returns %v after %v, want ErrStreamUnavailable after 200 ms", err, took)
	}
}

// client is a plain connection of nats.go.
func client(t *testing.T, srv *streamtest.Server) *nats.Conn {
	t.Helper()
	nc, err := nats.Connect(srv.URL())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	return nc
}
