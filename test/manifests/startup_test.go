package manifests_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	appsv1 "k8s.io/api/apps/v1"
	policyv1 "k8s.io/api/policy/v1"

	"github.com/cioevents/cioevents/internal/stream"
)

// TestStartupWaitsForTheStream replaces the disk of one of three servers. The path of the
// startup probe must answer 503 until the disk has every event. Kubernetes then updates no
// other server too early: a second server without the stream would leave the stream to a
// single disk.
func TestStartupWaitsForTheStream(t *testing.T) {
	t.Parallel()
	s := load(t, "production")
	probe := s.nats().Spec.Template.Spec.Containers[0].StartupProbe.HTTPGet.Path
	const messages, size = 400, 64 << 10
	for name, compacted := range map[string]bool{"from the Raft log": false, "from a snapshot": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := startNATS(t, s)
			c.fill(t, messages, size)
			if compacted { // a server that stops writes a snapshot in place of its log
				for i := range 2 {
					url := probeURL(c.restart(t, i, false), probe)
					eventually(t, url, func(ctx context.Context) error { return get(ctx, url) })
				}
			}
			srv, start, refusals := c.restart(t, 2, true), time.Now(), 0
			eventually(t, "the server knows its streams", func(context.Context) error { return knowsStreams(srv) })
			for get(t.Context(), probeURL(srv, probe)) != nil {
				refusals++
				if time.Sleep(5 * time.Millisecond); time.Since(start) > time.Minute {
					t.Fatalf("%s answers no 200 within a minute, with %d of %d events", probe, stored(t, srv), messages)
				}
			}
			if got := logged(srv) + stored(t, srv); got < messages {
				t.Errorf("%s answers 200 after %v, with %d of %d events", probe, time.Since(start), got, messages)
			}
			t.Logf("%d MiB after %v and %d refusals", messages*size>>20, time.Since(start), refusals)
			eventually(t, "the rest of the Raft log", func(context.Context) error {
				if got := stored(t, srv); got != messages {
					return fmt.Errorf("%d of %d events", got, messages)
				}
				return nil
			})
		})
	}
}

func probeURL(srv *server.Server, path string) string {
	return "http://" + srv.MonitorAddr().String() + path
}

// fill publishes events with empty bodies of a size.
func (c *natsCluster) fill(t *testing.T, messages, size int) {
	t.Helper()
	worker, js := c.connect(t, "worker"), c.operator(t)
	eventually(t, "the worker creates the streams", func(ctx context.Context) error {
		_, err := worker.Ensure(ctx, stream.Settings{Replicas: len(c.servers)})
		return err
	})
	for range messages {
		if _, err := js.Publish(t.Context(), "customerio.events.default.email.opened", make([]byte, size)); err != nil {
			t.Fatal(err)
		}
	}
}

// knowsStreams returns nil when the server takes part in the Raft groups of its streams. The
// delay of the startup probe leaves time for the server to learn of its streams: in the
// moment before, /healthz may answer 200.
func knowsStreams(srv *server.Server) error {
	if len((*srv.Raftz(&server.RaftzOptions{AccountFilter: account}))[account]) < 2 {
		return errors.New("fewer than the streams of events and of dead letters")
	}
	return nil
}

// logged is the number of entries of Raft's log on the disk of one server that the server
// has still to move into a stream. In this test an entry contains one event.
func logged(srv *server.Server) (n int) {
	for _, groups := range *srv.Raftz(&server.RaftzOptions{AccountFilter: account}) {
		for _, g := range groups {
			n += int(g.PIndex - g.Applied)
		}
	}
	return n
}

// stored is the number of events on the disk of one server.
func stored(t *testing.T, srv *server.Server) int {
	t.Helper()
	info, err := srv.Jsz(&server.JSzOptions{Account: account, Streams: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range info.AccountDetails {
		for _, s := range a.Streams {
			if s.Name == stream.Name {
				return int(s.State.Msgs)
			}
		}
	}
	return 0
}

// slowestCatchUp is the rate at which a new server must receive the stream, in bytes a
// second. A disk with 125 MB/s is usual; the rest is left to a busy leader and a slow network.
const slowestCatchUp = 7_000_000

// TestNATSIsReplacedOneByOne: an update and a drain stop the next server only after the
// last one is ready, and the startup probe has the patience for a full store.
func TestNATSIsReplacedOneByOne(t *testing.T) {
	t.Parallel()
	certs := certificates(t)
	each(t, func(t *testing.T, s *system) {
		t.Helper()
		probe := s.nats().Spec.Template.Spec.Containers[0].StartupProbe
		if probe.InitialDelaySeconds < 10 {
			t.Errorf("the startup probe asks after %d s, before the server knows its streams", probe.InitialDelaySeconds)
		}
		patience := int64(probe.FailureThreshold) * int64(probe.PeriodSeconds)
		if need := natsOptions(t, s, certs).JetStreamMaxStore / slowestCatchUp; patience < need {
			t.Errorf("a full store takes %d s to receive, and the startup probe waits %d s", need, patience)
		}
		if u := s.nats().Spec.UpdateStrategy; u.Type == appsv1.OnDeleteStatefulSetStrategyType || u.RollingUpdate != nil {
			t.Errorf("an update does not replace all servers one by one: %+v", u)
		}
		for _, b := range s.budgets {
			if b.Name == "nats" && (b.Spec.MaxUnavailable.IntValue() != 1 || evictsUnhealthy(b)) {
				t.Errorf("a drain may stop a server while another one is not ready: %+v", b.Spec)
			}
		}
	})
}

// evictsUnhealthy reports whether a drain may stop a server that is not ready although
// another server is not ready either.
func evictsUnhealthy(b *policyv1.PodDisruptionBudget) bool {
	p := b.Spec.UnhealthyPodEvictionPolicy
	return p != nil && *p == policyv1.AlwaysAllow
}
