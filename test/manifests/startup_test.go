package manifests_test

import (
	"context"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	appsv1 "k8s.io/api/apps/v1"
	policyv1 "k8s.io/api/policy/v1"

	"github.com/cioevents/cioevents/internal/stream"
)

// TestStartupWaitsForTheStream replaces the disk of one of three servers. The path of the
// startup probe must answer 503 until the server has the whole stream. Kubernetes then
// updates no other server too early: a second server without the stream would leave the
// stream to a single disk.
func TestStartupWaitsForTheStream(t *testing.T) {
	t.Parallel()
	s := load(t, "production")
	c := startNATS(t, s)
	const messages, size = 400, 64 << 10
	c.fill(t, messages, size)
	srv := c.replaceDisk(t, 2)
	start, refusals := time.Now(), 0
	url := "http://" + srv.MonitorAddr().String() + s.nats().Spec.Template.Spec.Containers[0].StartupProbe.HTTPGet.Path
	for get(t.Context(), url) != nil {
		refusals++
		if time.Sleep(5 * time.Millisecond); time.Since(start) > time.Minute {
			t.Fatalf("%s: %v, with %d of %d messages", url, get(t.Context(), url), stored(t, srv), messages)
		}
	}
	if got := stored(t, srv); got != messages {
		t.Errorf("%s answers 200 after %v, with %d of %d messages", url, time.Since(start), got, messages)
	}
	t.Logf("%d MiB after %v and %d refusals", messages*size>>20, time.Since(start), refusals)
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
