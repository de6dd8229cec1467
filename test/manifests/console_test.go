package manifests_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/cioevents/cioevents/internal/config"
	"github.com/cioevents/cioevents/internal/console"
)

// The Deployment of the component is admitted, starts with its settings, and reaches NATS
// and BigQuery. Nobody reaches the console through the network.
func TestConsoleComponent(t *testing.T) {
	t.Parallel()
	s := documentedComponent(t, "docs/console.md")
	for _, m := range s.mistakes {
		t.Error(m)
	}
	place := slices.IndexFunc(s.workloads, func(w workload) bool { return w.name == "console" })
	if place < 0 {
		t.Fatal("the component makes no Deployment")
	}
	w := s.workloads[place]
	restricted(t, w)
	hardened(t, w)
	for _, other := range s.workloads {
		if selects(t, w.selector, other.pod.Labels) != (other.name == "console") || selects(t, other.selector, w.pod.Labels) != (other.name == "console") {
			t.Errorf("the selectors of console and %s select each other's pods", other.name)
		}
	}
	c := w.pod.Spec.Containers[0]
	if c.Image != s.cioctlImage() {
		t.Errorf("the console runs %s", c.Image)
	}
	env := s.environment(t, c)
	if got := strings.Join(append(c.Command, c.Args...), " "); got != "console" || !strings.HasPrefix(env["WAREHOUSE_URL"], "bigquery://") || env["GCE_METADATA_HOST"] != "169.254.169.254" {
		t.Errorf("the pod runs %q with %v", got, env)
	}
	var settings console.Settings
	set := config.New("console", func(name string) string { return env[name] })
	settings.Declare(set)
	if err := set.Parse(nil); err != nil {
		t.Errorf("the console does not start: %v", err)
	}
	for _, c := range []struct {
		from, to end
		port     int
		want     bool
	}{
		{pod("console"), pod("nats"), 4222, true},
		{pod("console"), outside("198.51.100.7"), 443, true},
		{pod("console"), outside("169.254.169.254"), 80, true},
		{pod("console"), dns, 53, true},
		{pod("console"), pod("nats"), 8222, false},
		{pod("console"), outside("10.0.0.1"), 443, false},
		{pod("console"), pod("ingest"), 8080, false},
		{pod("ingest"), pod("console"), 8082, false},
		{outside("198.51.100.7"), pod("console"), 8082, false},
	} {
		if got := s.allowed(t, c.from, c.to, c.port); got != c.want {
			t.Errorf("%+v reaches %+v at %d: %t", c.from, c.to, c.port, got)
		}
	}
}
