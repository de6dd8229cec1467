package bigqueryfake_test

import (
	"context"
	"errors"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/cioevents/cioevents/internal/warehouse/bigquery/bigqueryfake"
)

func TestOutage(t *testing.T) {
	t.Parallel()
	for name, begin := range map[string]func(*bigqueryfake.Server){
		"reset": (*bigqueryfake.Server).Stop,
		"hang":  (*bigqueryfake.Server).Hang,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := start(t, bigqueryfake.Config{})
			if a := e.send(t, batch(3)); a.err != nil {
				t.Fatal(a.err)
			}

			begin(e.server)
			if a := e.sendWithin(t, 200*time.Millisecond, batch(3)); a.err == nil {
				t.Error("rows were accepted during an outage")
			}
			if err := e.askREST(t, 200*time.Millisecond); err == nil {
				t.Error("REST was answered during an outage")
			}
			if e.len() != 3 {
				t.Errorf("%d rows, want the 3 from before the outage", e.len())
			}

			e.server.Restart()
			if a := e.send(t, batch(3)); a.err != nil {
				t.Errorf("the same stream after the outage: %v", a.err)
			}
			if err := e.askREST(t, patience); err != nil {
				t.Errorf("REST after the outage: %v", err)
			}
			// The rows of the failed append may be stored or not.
			if n := e.len(); n != 6 && n != 9 {
				t.Errorf("%d rows, want 6 or 9", n)
			}
		})
	}
}

// The two kinds of outages treat a new connection differently.
func TestOutagesFailDifferently(t *testing.T) {
	t.Parallel()
	e := start(t, bigqueryfake.Config{})
	for _, addr := range []string{e.server.GRPCEndpoint(), strings.Split(e.server.RESTEndpoint(), "/")[2]} {
		e.server.Stop()
		if err := readFrom(t, addr, patience); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%s after Stop: got %v, want a reset at once", addr, err)
		}
		e.server.Hang()
		if err := readFrom(t, addr, 100*time.Millisecond); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%s after Hang: got %v, want silence", addr, err)
		}
	}
}

// readFrom connects and waits for the first byte.
func readFrom(t *testing.T, addr string, limit time.Duration) error {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.SetReadDeadline(time.Now().Add(limit)); err != nil {
		t.Fatal(err)
	}
	_, err = c.Read(make([]byte, 1))
	return err
}

// askREST reads the table's metadata.
func (e *env) askREST(t *testing.T, limit time.Duration) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	_, err := e.table().Metadata(ctx)
	return err
}

func TestCloseDuringAnOutage(t *testing.T) {
	t.Parallel()
	s, err := bigqueryfake.Start(bigqueryfake.Config{})
	if err != nil {
		t.Fatal(err)
	}
	s.Hang()
	s.Close() // must return
	s.Close() // may be called again
}

func TestAddressInUse(t *testing.T) {
	t.Parallel()
	s, err := bigqueryfake.Start(bigqueryfake.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, cfg := range []bigqueryfake.Config{{GRPCAddr: s.GRPCEndpoint()}, {RESTAddr: s.GRPCEndpoint()}} {
		if _, err := bigqueryfake.Start(cfg); err == nil {
			t.Errorf("%+v: started on an address in use", cfg)
		}
	}
}
