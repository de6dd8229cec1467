package manifests_test

import (
	"slices"
	"strings"
	"testing"
)

// nats-server keeps a write error until it is restarted, and only its plain /healthz
// reports the error. A single server is therefore restarted when /healthz fails. In a
// cluster /healthz also fails while a stream has no leader or catches up, where a restart
// would do harm: the exporter reports it instead.
func TestAWriteErrorEndsASingleServer(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *system) {
		t.Helper()
		want := map[bool]string{true: "/healthz", false: "/healthz?js-enabled-only=true"}[*s.nats().Spec.Replicas == 1]
		for _, c := range s.nats().Spec.Template.Spec.Containers {
			if c.Name == "nats" && c.LivenessProbe.HTTPGet.Path != want {
				t.Errorf("the liveness probe of %d servers asks %s, want %s", *s.nats().Spec.Replicas, c.LivenessProbe.HTTPGet.Path, want)
			}
			if c.Name == "exporter" && !slices.Contains(c.Args, "-healthz") {
				t.Errorf("the exporter %v leaves out the health of the server", c.Args)
			}
		}
	})
	if check := strings.Join(compose(t).Services["nats"].HealthCheck.Test, " "); !strings.Contains(check, "grep -q 'write error' && kill 1") {
		t.Errorf("the health check of docker-compose.yml does not end a server with a write error: %s", check)
	}
}
