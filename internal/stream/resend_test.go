package stream_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/rs/zerolog"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/stream/streamtest"
)

// scripted answers the messages to a stream in place of the stream. The function answers
// gets the number of the message, counted from 1.
func scripted(t *testing.T, answer func(n int32, msg *nats.Msg)) (p *stream.Publisher, received *atomic.Int32) {
	t.Helper()
	srv := streamtest.Start(t)
	nc := client(t, srv)
	received = &atomic.Int32{}
	if _, err := nc.Subscribe("customerio.>", func(m *nats.Msg) { answer(received.Add(1), m) }); err != nil {
		t.Fatal(err)
	}
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
	conn, err := stream.Connect(stream.Config{URL: srv.URL(), Log: zerolog.Nop()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	return publisher(t, conn), received
}

func reply(t *testing.T, msg *nats.Msg, text string) {
	t.Helper()
	if err := msg.Respond([]byte(text)); err != nil {
		t.Error(err)
	}
}

func apiError(code int, text string) string {
	return fmt.Sprintf(`{"error":{"code":503,"err_code":%d,"description":%q},"stream":"CUSTOMERIO","seq":0}`, code, text)
}

// A leader that steps down ignores a message, or stores the message and never answers.
// The copy is no duplicate of another event's.
func TestUnansweredMessageIsSentAgain(t *testing.T) {
	t.Parallel()
	p, received := scripted(t, func(n int32, msg *nats.Msg) {
		if n > 1 {
			reply(t, msg, `{"stream":"CUSTOMERIO","seq":1,"duplicate": true}`)
		}
	})
	if duplicate, err := p.Publish(t.Context(), message("abc")); duplicate || err != nil || received.Load() != 2 {
		t.Errorf("Publish = %v, %v after %d tries, want false, nil after 2", duplicate, err, received.Load())
	}
}

// An overloaded stream answers late.
func TestLateAnswerToTheFirstTryCounts(t *testing.T) {
	t.Parallel()
	p, received := scripted(t, func(n int32, msg *nats.Msg) {
		if n == 1 {
			time.AfterFunc(1500*time.Millisecond, func() { reply(t, msg, `{"stream":"CUSTOMERIO","seq":1}`) })
		}
	})
	if duplicate, err := p.Publish(t.Context(), message("abc")); duplicate || err != nil || received.Load() != 2 {
		t.Errorf("Publish = %v, %v after %d tries, want false, nil after 2", duplicate, err, received.Load())
	}
}

// Of a message without an id the stream would store each copy.
func TestMessageWithoutIDIsSentOnce(t *testing.T) {
	t.Parallel()
	p, received := scripted(t, func(int32, *nats.Msg) {})
	_, err := p.Redrive(t.Context(), "warehouse", "", message("abc"))
	if !errors.Is(err, event.ErrStreamUnavailable) || received.Load() != 1 {
		t.Errorf("Redrive = %v after %d tries, want one try", err, received.Load())
	}
}

// Errors of a server that stops or has just started pass; a full stream stays full.
func TestPassingRefusals(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		code  int
		text  string
		tries int32
		want  error
	}{
		{10008, "JetStream system temporarily unavailable", 2, nil},
		{10009, "JetStream cluster can not handle request", 2, nil},
		{10076, "JetStream not enabled", 2, nil},
		{10118, "stream is offline", 2, nil},
		{10077, "store is closed", 2, nil},
		{10158, "duplicate message id is in process", 2, nil},
		{10077, "maximum bytes exceeded", 1, event.ErrStreamFull},
		{10077, "maximum messages exceeded", 1, event.ErrStreamFull},
		{10002, "resource limits exceeded for account", 1, event.ErrStoreFull},
		{10023, "insufficient resources", 1, event.ErrStoreFull},
		{10047, "insufficient storage resources available", 1, event.ErrStoreFull},
	} {
		t.Run(tt.text, func(t *testing.T) {
			t.Parallel()
			p, received := scripted(t, func(n int32, msg *nats.Msg) {
				if n == 1 {
					reply(t, msg, apiError(tt.code, tt.text))
					return
				}
				reply(t, msg, `{"stream":"CUSTOMERIO","seq":1}`)
			})
			if _, err := p.Publish(t.Context(), message("abc")); !errors.Is(err, tt.want) || received.Load() != tt.tries {
				t.Errorf("Publish = %v after %d tries, want %v after %d", err, received.Load(), tt.want, tt.tries)
			}
		})
	}
}

// A server that is away for a moment costs time, not events. Two messages wait.
func TestPublishWaitsForTheServer(t *testing.T) {
	t.Parallel()
	srv := streamtest.Start(t)
	conn := srv.Connect(stream.Settings{})
	p := publisher(t, conn)
	srv.Stop()
	waitAway(t, conn)
	results := make(chan error, 2)
	for i := range 2 {
		go func() {
			_, err := p.Publish(context.Background(), message(fmt.Sprint(i)))
			results <- err
		}()
	}
	srv.Restart()
	for range 2 {
		if err := <-results; err != nil {
			t.Errorf("Publish = %v", err)
		}
	}
	if n := stored(t, conn); n != 2 {
		t.Errorf("%d messages stored, want 2", n)
	}
}

// The error of a connection that never was names the cause.
func TestPublishBeforeTheFirstConnection(t *testing.T) {
	t.Parallel()
	srv := streamtest.Start(t)
	url := srv.URL()
	srv.Stop()
	conn, err := stream.Connect(stream.Config{URL: url, Log: zerolog.Nop()})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	p, err := stream.NewPublisher(conn, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	_, err = p.Publish(t.Context(), message("abc"))
	if !errors.Is(err, event.ErrStreamUnavailable) || !strings.Contains(err.Error(), "NATS is not connected: ") || !strings.Contains(err.Error(), "connection refused") {
		t.Errorf("Publish = %v, want the reason of the missing connection", err)
	}
}

// A server that accepts connections and is silent, as behind a load balancer or when it
// hangs, keeps nobody beyond the timeout: nats.go holds its lock for 2 s in each try to
// connect.
func TestSilentServerKeepsTheTimeout(t *testing.T) {
	t.Parallel()
	srv := streamtest.Start(t)
	conn := srv.Connect(stream.Settings{})
	p, err := stream.NewPublisher(conn, 500*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	srv.Stop()
	ln, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", strings.TrimPrefix(srv.URL(), "nats://"))
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	if _, err := ln.Accept(); err != nil { // the connection hangs from here on
		t.Fatal(err)
	}
	for i := range 4 {
		begin := time.Now()
		if p.MaxBody() < 900_000 {
			t.Errorf("MaxBody = %d, want that of the last connection", p.MaxBody())
		}
		_, err := p.Publish(t.Context(), message(fmt.Sprint(i)))
		if took := time.Since(begin); !errors.Is(err, event.ErrStreamUnavailable) || took > 800*time.Millisecond {
			t.Errorf("Publish = %v after %v, want ErrStreamUnavailable after 500 ms", err, took)
		}
	}
}

// A Publisher that is closed keeps nobody waiting.
func TestClosedPublisher(t *testing.T) {
	t.Parallel()
	p, _ := scripted(t, func(int32, *nats.Msg) {})
	result := make(chan error, 1)
	go func() {
		_, err := p.Publish(context.Background(), message("abc"))
		result <- err
	}()
	time.AfterFunc(100*time.Millisecond, p.Close)
	begin := time.Now()
	if err := <-result; !errors.Is(err, event.ErrStreamUnavailable) {
		t.Errorf("Publish = %v", err)
	}
	if _, err := p.Publish(t.Context(), message("def")); !errors.Is(err, event.ErrStreamUnavailable) || time.Since(begin) > time.Second {
		t.Errorf("Publish = %v after %v", err, time.Since(begin))
	}
}
