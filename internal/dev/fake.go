package dev

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/cioevents/cioevents/internal/customerio/customeriotest"
	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/stream"
)

// keptDeliveries bounds the memory of the fake App API to about 20 MB.
const keptDeliveries = 20_000

// startFake starts the fake Track API and the fake App API on one listener: their paths
// begin with /api/ and with /v1/.
func (s *Stack) startFake() error {
	ln, err := net.Listen("tcp", s.cfg.FakeAddr) //nolint:noctx // binding does not wait
	if err != nil {
		return fmt.Errorf("FAKE_TRACK_ADDR: %w", err)
	}
	// KnowsEverybody, because nobody has created the simulated people in the fake.
	s.Fake = customeriotest.New(customeriotest.Config{KnowsEverybody: true})
	s.App = customeriotest.NewApp(customeriotest.AppConfig{Deliveries: keptDeliveries})
	mux := http.NewServeMux()
	mux.Handle("/", s.Fake)
	mux.Handle("/v1/", s.App)
	mux.Handle(customeriotest.EventsPath, s.App)
	s.fakeServer = &http.Server{Addr: ln.Addr().String(), Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = s.fakeServer.Serve(ln) }() // until close; the error is always ErrServerClosed
	return nil
}

// FakeURL returns the address of the fake Track API and the fake App API.
func (s *Stack) FakeURL() string { return "http://" + s.fakeServer.Addr }

// record tells the fake App API every event of the stream until ctx ends, so that the API
// knows the messages that cioctl send simulates, also those before a restart. A failure
// does not stop the stack.
func (s *Stack) record(ctx context.Context) error {
	conn, err := s.Connect()
	if err != nil {
		return err
	}
	defer conn.Close()
	for conn.Ready(ctx) != nil {
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return nil
		}
	}
	err = conn.TailEvents(ctx, stream.Selection{Follow: true}, func(a event.Attempt) bool {
		s.App.Record(a.Body)
		return true
	})
	if ctx.Err() == nil {
		s.log.Warn().Err(err).Msg("the fake App API gets no more events")
	}
	return nil
}
