package manifests_test

import (
	"net"
	"slices"
	"strconv"
	"testing"

	appsv1 "k8s.io/api/apps/v1"

	"github.com/cioevents/cioevents/internal/app/workerapp"
	"github.com/cioevents/cioevents/internal/stream"
)

func (s *system) deployment(name string) *appsv1.Deployment {
	i := slices.IndexFunc(s.deployments, func(d *appsv1.Deployment) bool { return d.Name == name })
	if i < 0 {
		return nil
	}
	return s.deployments[i]
}

// TestReplicasHaveOneOwner: a number in the manifest that an autoscaler changes
// is put back by every deploy.
func TestReplicasHaveOneOwner(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *system) {
		t.Helper()
		scaled := map[string]bool{}
		for _, a := range s.autoscalers {
			scaled[a.Spec.ScaleTargetRef.Name] = true
			if *a.Spec.MinReplicas < 2 {
				t.Errorf("%s: a deploy or a lost node would refuse connections", a.Name)
			}
		}
		for _, o := range s.scaledObjects {
			scaled[o.Spec.ScaleTargetRef.Name] = true
		}
		for name := range scaled {
			if s.deployment(name) == nil {
				t.Errorf("there is no Deployment %s to scale", name)
			}
		}
		for _, d := range s.deployments {
			if scaled[d.Name] == (d.Spec.Replicas != nil) {
				t.Errorf("%s: is scaled: %t, and has a number of replicas: %t", d.Name, scaled[d.Name], d.Spec.Replicas != nil)
			}
		}
	})
}

// TestTriggersNameWhatIsThere: KEDA's scaler fails for a consumer that does not exist.
// The fallback must then leave workers, because the workers create the consumers.
func TestTriggersNameWhatIsThere(t *testing.T) {
	t.Parallel()
	s := load(t, "production")
	var consumers []string
	for _, o := range s.scaledObjects {
		if f := o.Spec.Fallback; f == nil || f.Replicas < max(1, *o.Spec.MinReplicaCount) {
			t.Errorf("%s: fallback %+v, want at least one worker and the minimum", o.Name, f)
		}
		for _, trigger := range o.Spec.Triggers {
			m := trigger.Metadata
			consumers = append(consumers, m.Consumer)
			if trigger.Type != "nats-jetstream" || m.Stream != stream.Name || m.Account != account {
				t.Errorf("%s: trigger %s of stream %s in account %s", o.Name, trigger.Type, m.Stream, m.Account)
			}
			if o.Spec.ScaleTargetRef.Name != "worker-"+m.Consumer {
				t.Errorf("%s scales %s by the lag of %s", o.Name, o.Spec.ScaleTargetRef.Name, m.Consumer)
			}
			if n, err := strconv.Atoi(m.LagThreshold); err != nil || n < 1 {
				t.Errorf("%s: lagThreshold %q", o.Name, m.LagThreshold)
			}
			host, port, err := net.SplitHostPort(m.Endpoint)
			if err != nil || host != "nats-headless."+namespace+".svc.cluster.local" {
				t.Errorf("%s: KEDA puts the servers' names before %q", o.Name, m.Endpoint)
			}
			if p := s.servicePort("nats-headless", "monitor"); p == nil || strconv.Itoa(int(p.Port)) != port {
				t.Errorf("%s: Service nats-headless has no port %s", o.Name, port)
			}
		}
	}
	slices.Sort(consumers)
	if want := []string{workerapp.Engagement, workerapp.Suppression, workerapp.Warehouse}; !slices.Equal(consumers, want) {
		t.Errorf("scaled by the lag of %v, want %v", consumers, want)
	}
}

// trackLimit is what Customer.io allows a workspace, in calls a second:
// https://docs.customer.io/api/track.
const trackLimit = 1000

// TestConsumersAreWorkedOnceAndWithinTheLimit: TRACK_RATE is a process' own, so
// the largest number of pods counts.
func TestConsumersAreWorkedOnceAndWithinTheLimit(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *system) {
		t.Helper()
		most := map[string]float64{}
		for _, o := range s.scaledObjects {
			most[o.Spec.ScaleTargetRef.Name] = float64(*o.Spec.MaxReplicaCount)
		}
		var calls float64
		var consumers []string
		for _, d := range s.deployments {
			for _, c := range d.Spec.Template.Spec.Containers {
				p := declare(c.Name, s.environment(t, c))
				if p == nil || c.Name != "worker" {
					continue
				}
				p.parse()
				consumers = append(consumers, p.worker.Consumers...)
				if n, ok := most[d.Name]; ok && p.worker.NeedsTrack() {
					calls += n * p.worker.Track.Rate
				} else if p.worker.NeedsTrack() {
					calls += float64(*d.Spec.Replicas) * p.worker.Track.Rate
				}
			}
		}
		slices.Sort(consumers)
		if !slices.Equal(consumers, []string{workerapp.Engagement, workerapp.Suppression, workerapp.Warehouse}) {
			t.Errorf("consumers worked on: %v", consumers)
		}
		if calls > trackLimit {
			t.Errorf("all workers together may make %v calls a second, Customer.io allows %d", calls, trackLimit)
		}
	})
}
