package manifests_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	batchv1 "k8s.io/api/batch/v1"
)

// documentedComponent is the overlay of docs/production.md with a component as the document
// adds it.
func documentedComponent(t *testing.T, document string) *system {
	t.Helper()
	lines := regexp.MustCompile("(?s)```yaml\n( +components:.*?)```").FindStringSubmatch(read(t, document))
	if lines == nil {
		t.Fatalf("%s does not add the component", document)
	}
	files := manifestsInMemory(t)
	overlay := string(documentedOverlay(t)) + strings.ReplaceAll(lines[1], "\n   ", "\n")[3:]
	if err := files.WriteFile("overlays/acme/kustomization.yaml", []byte(overlay)); err != nil {
		t.Fatal(err)
	}
	s, err := buildIn(files, "overlays/acme")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// The CronJob of the component is admitted, has its identity, and reaches BigQuery alone.
func TestRollupComponent(t *testing.T) {
	t.Parallel()
	s := documentedComponent(t, "docs/operations.md")
	for _, m := range s.mistakes {
		t.Error(m)
	}
	place := slices.IndexFunc(s.workloads, func(w workload) bool { return w.kind == "CronJob" })
	if place < 0 || len(s.jobs) != 1 {
		t.Fatal("the component makes no CronJob")
	}
	w := s.workloads[place]
	restricted(t, w)
	hardened(t, w)
	c := w.pod.Spec.Containers[0]
	if s.jobs[0].Spec.ConcurrencyPolicy != batchv1.ForbidConcurrent || s.jobs[0].Namespace != namespace {
		t.Errorf("CronJob %+v", s.jobs[0])
	}
	if c.Image != s.cioctlImage() {
		t.Errorf("the rollup runs %s", c.Image)
	}
	env := s.environment(t, c)
	if got := strings.Join(append(c.Command, c.Args...), " "); got != "warehouse rollup" || len(env) != 2 || !strings.HasPrefix(env["WAREHOUSE_URL"], "bigquery://") || env["GCE_METADATA_HOST"] != "169.254.169.254" {
		t.Errorf("the pod runs %q with %v", got, env)
	}
	for _, a := range s.accounts {
		if a.Name == w.pod.Spec.ServiceAccountName && a.Annotations["iam.gke.io/gcp-service-account"] != "" {
			env["identity"] = a.Name
		}
	}
	if env["identity"] != "rollup" {
		t.Errorf("the pod has the identity %q", env["identity"])
	}
	s.reaches(t, "rollup", []reach{
		{outside("198.51.100.7"), 443, true},
		{outside("169.254.169.254"), 80, true},
		{dns, 53, true},
		{outside("198.51.100.7"), 80, false},
		{outside("10.0.0.1"), 443, false},
		{pod("nats"), 4222, false},
		{pod("ingest"), 8080, false},
	})
}
