package manifests_test

import (
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/cioevents/cioevents/internal/config"
	"github.com/cioevents/cioevents/internal/stream"
)

// withCioctl returns the production build and the pod of deploy/k8s/cioctl.yaml.
func withCioctl(t *testing.T) (*system, workload) {
	t.Helper()
	var pod corev1.Pod
	if err := decodeStrictly([]byte(read(t, "deploy/k8s/cioctl.yaml")), &pod); err != nil {
		t.Fatal(err)
	}
	if pod.Namespace != namespace {
		t.Errorf("the pod is in namespace %q", pod.Namespace)
	}
	w := workload{kind: "Pod", name: pod.Name, pod: corev1.PodTemplateSpec{ObjectMeta: pod.ObjectMeta, Spec: pod.Spec}}
	s := *load(t, "production")
	s.workloads = append(s.workloads[:len(s.workloads):len(s.workloads)], w)
	return &s, w
}

func TestCioctlPodIsAdmitted(t *testing.T) {
	t.Parallel()
	_, w := withCioctl(t)
	restricted(t, w)
	hardened(t, w)
}

// TestCioctlPodReachesNATS: the pod has the operator's user of NATS, and the network lets
// the pod reach NATS alone.
func TestCioctlPodReachesNATS(t *testing.T) {
	t.Parallel()
	s, w := withCioctl(t)
	s.reaches(t, "cioctl", []reach{
		{pod("nats"), 4222, true},
		{dns, 53, true},
		{pod("nats"), 8222, false},
		{pod("ingest"), 8080, false},
		{pod("worker-warehouse"), 9090, false},
		{outside("198.51.100.7"), 443, false},
	})
	for _, svc := range s.services {
		if selects(t, &metav1.LabelSelector{MatchLabels: svc.Spec.Selector}, w.pod.Labels) {
			t.Errorf("Service %s sends calls to cioctl", svc.Name)
		}
	}
	c := w.pod.Spec.Containers[0]
	env := s.environment(t, c)
	var cfg stream.Config
	set := config.New("cioctl", func(name string) string { return env[name] })
	cfg.Declare(set)
	if err := set.Parse(nil); err != nil {
		t.Error(err)
	}
	if unknown := unknownNames(set, env, c.Env); unknown != nil {
		t.Errorf("%q are no settings of cioctl", unknown)
	}
	if want := "tls://operator:" + strings.ReplaceAll(s.keyOf(t, "NATS_OPERATOR_PASSWORD"), "-", "") + "@nats:4222"; cfg.URL != want {
		t.Errorf("cioctl connects to %s, want %s", cfg.URL, want)
	}
}

// keyOf returns the key of the Secret that NATS reads a variable from.
func (s *system) keyOf(t *testing.T, variable string) string {
	t.Helper()
	for _, v := range s.nats().Spec.Template.Spec.Containers[0].Env {
		if v.Name == variable {
			return v.ValueFrom.SecretKeyRef.Key
		}
	}
	t.Fatalf("NATS does not have the variable %s", variable)
	return ""
}

// cioctlImage returns the image of cioctl with the registry and the tag of the worker's.
func (s *system) cioctlImage() string {
	return strings.Replace(s.deployment("worker-warehouse").Spec.Template.Spec.Containers[0].Image, "/worker:", "/cioctl:", 1)
}

// TestCioctlPodRunsItsImage, and mounts the authority of NATS as the worker does, without
// the servers' key. The image starts cioctl, and the worker's image does not contain it.
func TestCioctlPodRunsItsImage(t *testing.T) {
	t.Parallel()
	s, w := withCioctl(t)
	worker := s.deployment("worker-suppression").Spec.Template.Spec
	if c := w.pod.Spec.Containers[0]; c.Image != s.cioctlImage() || c.Command != nil {
		t.Errorf("cioctl runs %q of %s", c.Command, c.Image)
	}
	for _, name := range []string{"ingest", "worker", "cioctl"} {
		stage := regexp.MustCompile(`(?s) AS ` + name + `\n(.*?)ENTRYPOINT \["/` + name + `"\]\n`).FindStringSubmatch(read(t, "Dockerfile"))
		if stage == nil || strings.Count(stage[1], "/out/") != 1 || !strings.Contains(stage[1], "COPY --from=build /out/"+name+" /"+name+"\n") {
			t.Errorf("the image %s has %q", name, stage)
		}
	}
	if got, want := mounted(t, w.pod.Spec), mounted(t, worker); got != want {
		t.Errorf("cioctl mounts %s, the worker %s", got, want)
	}
}

// mounted describes the mounts and volumes of a pod's first container.
func mounted(t *testing.T, p corev1.PodSpec) string {
	t.Helper()
	text := ""
	for _, m := range p.Containers[0].VolumeMounts {
		text += m.String()
	}
	for _, v := range p.Volumes {
		text += v.String()
	}
	return text
}

// TestCioctlPodTakesAnyCommand: docs/operations.md removes the lines of the image and of
// the arguments, because "kubectl run" has both from the command line.
func TestCioctlPodTakesAnyCommand(t *testing.T) {
	t.Parallel()
	const sed = `sed '/args:/d; /image:/d' deploy/k8s/cioctl.yaml`
	if !strings.Contains(read(t, "docs/operations.md"), sed) {
		t.Fatalf("docs/operations.md lacks %s", sed)
	}
	text := regexp.MustCompile(`(?m)^.*(args:|image:).*\n`).ReplaceAllString(read(t, "deploy/k8s/cioctl.yaml"), "")
	var got corev1.Pod
	if err := decodeStrictly([]byte(text), &got); err != nil {
		t.Fatal(err)
	}
	_, want := withCioctl(t)
	c := &want.pod.Spec.Containers[0]
	c.Image, c.Args = "", nil
	if !reflect.DeepEqual(got.Spec, want.pod.Spec) {
		t.Errorf("sed leaves %+v\nwant %+v", got.Spec, want.pod.Spec)
	}
}

// TestEachWorkerHasWhatIsCopied: docs/operations.md starts cioctl beside a worker with three
// lists of the worker's container. kubectl prints a missing list as nothing, and the result
// would be no JSON.
func TestEachWorkerHasWhatIsCopied(t *testing.T) {
	t.Parallel()
	const lists = `{"{\"env\":"}{.spec.containers[0].env}{",\"envFrom\":"}{.spec.containers[0].envFrom}{",\"volumeMounts\":"}{.spec.containers[0].volumeMounts}{"}"}`
	if !strings.Contains(read(t, "docs/operations.md"), lists) {
		t.Fatalf("docs/operations.md lacks %s", lists)
	}
	for overlay, components := range map[string][]string{"production": {"warehouse", "suppression", "engagement"}, "dev": {"all"}} {
		s := load(t, overlay)
		for _, w := range s.workloads {
			if w.pod.Labels["app.kubernetes.io/name"] != "worker" {
				continue
			}
			c := w.pod.Spec.Containers[0]
			if c.Name != "worker" || len(c.Env) == 0 || len(c.EnvFrom) == 0 || len(c.VolumeMounts) == 0 {
				t.Errorf("%s: the first container of %s is %+v", overlay, w.name, c)
			}
			if !slices.Contains(components, w.pod.Labels["app.kubernetes.io/component"]) {
				t.Errorf("%s: %s has the labels %v", overlay, w.name, w.pod.Labels)
			}
		}
	}
}
