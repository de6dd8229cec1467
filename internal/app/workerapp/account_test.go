package workerapp_test

import (
	"maps"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"github.com/cioevents/cioevents/internal/app/workerapp"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/stream/natsserver"
	"github.com/cioevents/cioevents/internal/stream/streamtest"
)

// Limits of an account and of a server, as a provider of NATS sets them.
const (
	accountAcks   = `accounts { A { jetstream: {max_ack_pending: 1000}, users: [{user: a, password: a}] } }, no_auth_user: a`
	serverAcks    = `jetstream: {limits: {max_ack_pending: 1000}}`
	bytesRequired = `accounts { A { jetstream: {max_bytes_required: true, max_store: 1GB}, users: [{user: a, password: a}] } }, no_auth_user: a`
)

// startLimited runs a worker on a server without streams.
func startLimited(t *testing.T, limits string, env map[string]string) *scene {
	t.Helper()
	srv := streamtest.Start(t, streamtest.Configured(t, limits))
	conn, err := stream.Connect(stream.Config{URL: srv.URL(), Log: zerolog.Nop()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	maps.Copy(env, credentials())
	return startOn(t, srv, conn, env)
}

// Under the limits of an account or a server, every event is handled once the settings
// fit.
func TestSettingsFitTheLimits(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		limits string
		env    map[string]string
	}{
		"acks of an account":         {accountAcks, map[string]string{"MAX_ACK_PENDING": "1000"}},
		"acks of a server":           {serverAcks, map[string]string{"MAX_ACK_PENDING": "1000"}},
		"acks below a batch":         {serverAcks, map[string]string{"MAX_ACK_PENDING": "2"}},
		"account that wants a limit": {bytesRequired, map[string]string{"STREAM_MAX_BYTES": "100MB", "DEAD_STREAM_MAX_BYTES": "10MB"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := startLimited(t, tt.limits, tt.env)
			s.eventually("ready", func() bool { return s.readyz() == "ready\n" })
			s.handle("default", complaints(0, 5)...)
			s.wantSuppressed(5)
			r, err := s.conn.StartReplay(t.Context(), stream.ReplayRequest{Target: workerapp.Suppression})
			if err != nil {
				t.Fatal(err)
			}
			s.eventually("the replay is done", func() bool {
				left, _, err := s.conn.Remaining(t.Context(), r.ID)
				return err == nil && left == 0
			})
		})
	}
}

// A worker whose settings do not fit the limits is not ready, names the setting, and
// exports that its consumer is not ready.
func TestSettingsDoNotFitTheLimits(t *testing.T) {
	t.Parallel()
	for name, limits := range map[string]string{"account": accountAcks, "server": serverAcks} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := startLimited(t, limits, map[string]string{})
			s.wantNotReady("set MAX_ACK_PENDING of the workers")
			s.wantConsumersHeld()
		})
	}
	t.Run("size of the stream", func(t *testing.T) {
		t.Parallel()
		s := startLimited(t, bytesRequired, map[string]string{"DEAD_STREAM_MAX_BYTES": "10MB"})
		s.wantNotReady("set STREAM_MAX_BYTES")
		s.wantConsumersHeld()
	})
}

// Without the stream of dead letters the worker handles events. It is not ready, because
// NATS refuses the stream for a setting.
func TestDeadStreamIsRefused(t *testing.T) {
	t.Parallel()
	s := startLimited(t, bytesRequired, map[string]string{"STREAM_MAX_BYTES": "100MB"})
	s.wantNotReady("set DEAD_STREAM_MAX_BYTES")
	s.publish("default", complaints(0, 5)...)
	s.wantSuppressed(5)
	apply := stream.Settings{MaxBytes: 100e6, DeadMaxBytes: 1e6}
	if err := s.conn.Apply(t.Context(), apply, false); err != nil {
		t.Fatal(err)
	}
	s.eventually("ready", func() bool { return strings.HasPrefix(s.readyz(), "ready\n") })
	if strings.Contains(s.log.String(), "recreated: ") { // the stream has never existed
		t.Errorf("the log:\n%s", &s.log)
	}
}

// wantNotReady waits until /readyz and the log say the text.
func (s *scene) wantNotReady(text string) {
	s.t.Helper()
	s.eventually("not ready: "+text, func() bool {
		ready := s.readyz()
		return !strings.HasPrefix(ready, "ready") && strings.Contains(ready, text) && strings.Contains(s.log.String(), text)
	})
}

// wantConsumersHeld wants the instrument at 0 for both consumers.
func (s *scene) wantConsumersHeld() {
	s.t.Helper()
	families, err := s.app.Metrics().Gather()
	if err != nil {
		s.t.Fatal(err)
	}
	n := 0
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == "cioevents_consumer_ready" && m.GetGauge().GetValue() == 0 {
				n++
			}
		}
	}
	if n != 2 {
		s.t.Errorf("%d consumers are reported as not ready, want 2", n)
	}
}

// NATS refuses to recreate a deleted stream of dead letters. When the limit is gone, the
// worker creates the stream and becomes ready.
func TestDeadStreamIsAllowedLater(t *testing.T) {
	t.Parallel()
	var options *natsserver.Options
	srv := streamtest.Start(t, streamtest.Configured(t, bytesRequired), func(o *natsserver.Options) { options = o })
	env := credentials()
	env["STREAM_MAX_BYTES"] = "100MB"
	s := startOn(t, srv, srv.Connect(stream.Settings{MaxBytes: 100e6, DeadMaxBytes: 1e6}), env)
	s.eventually("ready", func() bool { return strings.HasPrefix(s.readyz(), "ready\n") })
	srv.DeleteStream(stream.DeadName)
	s.wantNotReady("set DEAD_STREAM_MAX_BYTES")
	srv.Stop()
	streamtest.Configured(t, `accounts { A { jetstream: enabled, users: [{user: a, password: a}] } }, no_auth_user: a`)(options)
	srv.Restart()
	s.eventually("ready", func() bool { return s.readyz() == "ready\n" })
	if n := strings.Count(s.log.String(), "missing stream of dead letters recreated"); n != 1 {
		t.Errorf("%d times recreated, want 1:\n%s", n, &s.log)
	}
}
