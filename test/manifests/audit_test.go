package manifests_test

import (
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/cioevents/cioevents/internal/config"
	"github.com/cioevents/cioevents/internal/stream"
)

// TestAuditReachesWhatItCompares: NATS, the App API and BigQuery with the identity's
// server, and nothing else. A pod of cioctl without the component's label reaches no more
// than before.
func TestAuditReachesWhatItCompares(t *testing.T) {
	t.Parallel()
	s := load(t, "audit")
	s.reaches(t, "audit", []reach{
		{pod("nats"), 4222, true},
		{dns, 53, true},
		{outside("198.51.100.7"), 443, true},
		{outside("169.254.169.254"), 80, true},
		{outside("198.51.100.7"), 80, false},
		{outside("10.0.0.1"), 443, false},
		{pod("nats"), 8222, false},
		{pod("ingest"), 8080, false},
	})
	for _, p := range s.policies {
		labels := map[string]string{"app.kubernetes.io/name": "cioctl"}
		if p.Name == "audit" && selects(t, &p.Spec.PodSelector, labels) {
			t.Error("the policy of the audit selects each pod of cioctl")
		}
	}
}

// TestAuditRuns: the job has cioctl's image, the worker's warehouse and authority of NATS, the
// operator's user of NATS, and an identity of its own.
func TestAuditRuns(t *testing.T) {
	t.Parallel()
	s := load(t, "audit")
	if len(s.jobs) != 1 {
		t.Fatalf("%d jobs", len(s.jobs))
	}
	p, worker := s.jobs[0].Spec.JobTemplate.Spec.Template.Spec, s.deployment("worker-warehouse").Spec.Template.Spec
	c := p.Containers[0]
	if c.Image != s.cioctlImage() || p.ServiceAccountName != "audit" || c.Command != nil || strings.Join(c.Args, " ") != "audit --record" {
		t.Errorf("the job runs %s %s of %s as %s", c.Command, c.Args, c.Image, p.ServiceAccountName)
	}
	if got, want := mounted(t, p), mounted(t, worker); got != want {
		t.Errorf("the job mounts %s, the worker %s", got, want)
	}
	env, other := s.environment(t, c), s.environment(t, worker.Containers[0])
	for _, name := range []string{"WAREHOUSE_URL", "GCE_METADATA_HOST", "CUSTOMERIO_APP_API_KEY", "NATS_TLS_CA"} {
		if env[name] == "" || env[name] != other[name] {
			t.Errorf("%s is %q, of the worker %q", name, env[name], other[name])
		}
	}
	if !slices.ContainsFunc(s.accounts, func(a *corev1.ServiceAccount) bool {
		return a.Name == "audit" && a.Annotations["iam.gke.io/gcp-service-account"] != ""
	}) {
		t.Error("the job has no identity")
	}
	var cfg stream.Config
	set := config.New("cioctl", func(name string) string { return env[name] })
	cfg.Declare(set)
	if err := set.Parse(nil); err != nil {
		t.Error(err)
	}
	if want := "tls://operator:" + strings.ReplaceAll(s.keyOf(t, "NATS_OPERATOR_PASSWORD"), "-", "") + "@nats:4222"; cfg.URL != want {
		t.Errorf("the job connects to %s, want %s", cfg.URL, want)
	}
}
