package manifests_test

import (
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
)

func TestEveryObjectIsOfItsType(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *system) {
		t.Helper()
		for _, m := range s.mistakes {
			t.Error(m)
		}
		if len(s.workloads) == 0 {
			t.Error("no pods are made")
		}
		for _, d := range s.deployments {
			if d.Namespace != namespace {
				t.Errorf("Deployment %s is in namespace %q", d.Name, d.Namespace)
			}
		}
	})
}

func TestStrictDecodingRefusesAnUnknownField(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"metadata: {nam: x}", "metadata: {Name: x}", "kind: a\nkind: b"} {
		if err := decodeStrictly([]byte(text), &corev1.Service{}); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
}

func TestPodsKeepToRestricted(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *system) {
		t.Helper()
		if got := s.namespaces[0].Labels["pod-security.kubernetes.io/enforce"]; got != "restricted" {
			t.Errorf("the namespace enforces %q", got)
		}
		for _, w := range s.workloads {
			restricted(t, w)
		}
	})
}

// restricted asks the code that the API server's admission runs.
func restricted(t *testing.T, w workload) {
	t.Helper()
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		t.Fatal(err)
	}
	level := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
	result := policy.AggregateCheckResults(evaluator.EvaluatePod(level, &w.pod.ObjectMeta, &w.pod.Spec))
	if !result.Allowed {
		t.Errorf("%s %s: %s", w.kind, w.name, result.ForbiddenDetail())
	}
}

// TestPodsAreHardened is about what the standard leaves open.
func TestPodsAreHardened(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *system) {
		t.Helper()
		for _, w := range s.workloads {
			hardened(t, w)
		}
	})
}

func hardened(t *testing.T, w workload) {
	t.Helper()
	if mount := w.pod.Spec.AutomountServiceAccountToken; mount == nil || *mount {
		t.Errorf("%s mounts a token of the API server", w.name)
	}
	for _, c := range w.pod.Spec.Containers {
		if ro := c.SecurityContext.ReadOnlyRootFilesystem; ro == nil || !*ro {
			t.Errorf("%s/%s can write to its root", w.name, c.Name)
		}
		if c.Resources.Requests.Cpu().IsZero() || c.Resources.Requests.Memory().IsZero() || c.Resources.Limits.Memory().IsZero() {
			t.Errorf("%s/%s lacks requests or a limit of memory", w.name, c.Name)
		}
		for _, name := range []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory} {
			limit, ok := c.Resources.Limits[name]
			if request := c.Resources.Requests[name]; ok && request.Cmp(limit) > 0 {
				t.Errorf("%s/%s requests more %s than its limit", w.name, c.Name, name)
			}
		}
	}
}

func selects(t *testing.T, selector *metav1.LabelSelector, l map[string]string) bool {
	t.Helper()
	s, err := metav1.LabelSelectorAsSelector(selector)
	if err != nil {
		t.Fatal(err)
	}
	return s.Matches(labels.Set(l))
}

func TestSelectorsMatchTheirPodsAlone(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *system) {
		t.Helper()
		for _, w := range s.workloads {
			for _, other := range s.workloads {
				if w.selector == nil {
					continue // a CronJob: the jobs select by their own ids
				}
				if got, want := selects(t, w.selector, other.pod.Labels), w.name == other.name; got != want {
					t.Errorf("%s %s selects the pods of %s: %t", w.kind, w.name, other.name, got)
				}
			}
			for _, spread := range w.pod.Spec.TopologySpreadConstraints {
				if !selects(t, spread.LabelSelector, w.pod.Labels) {
					t.Errorf("%s spreads by labels that its pods do not have", w.name)
				}
			}
			if a := w.pod.Spec.Affinity; a != nil {
				for _, term := range a.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution {
					if !selects(t, term.LabelSelector, w.pod.Labels) {
						t.Errorf("%s avoids labels that its pods do not have", w.name)
					}
				}
			}
		}
		for _, b := range s.budgets {
			if len(s.podsOf(t, b.Spec.Selector)) != 1 {
				t.Errorf("PodDisruptionBudget %s does not select the pods of one workload", b.Name)
			}
		}
		for _, set := range s.sets {
			if !slices.ContainsFunc(s.services, func(svc *corev1.Service) bool {
				return svc.Name == set.Spec.ServiceName && svc.Spec.ClusterIP == corev1.ClusterIPNone
			}) {
				t.Errorf("StatefulSet %s: there is no headless Service %s", set.Name, set.Spec.ServiceName)
			}
		}
	})
}

// podsOf returns the workloads whose pods are selected.
func (s *system) podsOf(t *testing.T, selector *metav1.LabelSelector) []workload {
	t.Helper()
	var list []workload
	for _, w := range s.workloads {
		if selects(t, selector, w.pod.Labels) {
			list = append(list, w)
		}
	}
	return list
}

func TestServicesReachAPort(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *system) {
		t.Helper()
		for _, svc := range s.services {
			pods := s.podsOf(t, &metav1.LabelSelector{MatchLabels: svc.Spec.Selector})
			if len(svc.Spec.Selector) == 0 || len(pods) != 1 {
				t.Errorf("Service %s selects the pods of %d workloads", svc.Name, len(pods))
				continue
			}
			for _, p := range svc.Spec.Ports {
				if portNumber(pods[0].pod, p.TargetPort) == 0 {
					t.Errorf("Service %s, port %s: pods of %s have no port %s", svc.Name, p.Name, pods[0].name, p.TargetPort.String())
				}
			}
		}
		for _, i := range s.ingresses {
			if i.Spec.IngressClassName == nil {
				t.Errorf("Ingress %s: no class, so perhaps no controller serves the Ingress", i.Name)
			}
			for _, rule := range i.Spec.Rules {
				for _, path := range rule.HTTP.Paths {
					if s.servicePort(path.Backend.Service.Name, path.Backend.Service.Port.Name) == nil {
						t.Errorf("Ingress %s: no Service %s has a port %s", i.Name, path.Backend.Service.Name, path.Backend.Service.Port.Name)
					}
				}
			}
		}
	})
}

func (s *system) servicePort(service, port string) *corev1.ServicePort {
	for _, svc := range s.services {
		for i, p := range svc.Spec.Ports {
			if svc.Name == service && p.Name == port {
				return &svc.Spec.Ports[i]
			}
		}
	}
	return nil
}

// portNumber is the number of a port that a container declares, 0 for none.
func portNumber(pod corev1.PodTemplateSpec, port intstr.IntOrString) int32 {
	for _, c := range pod.Spec.Containers {
		for _, p := range c.Ports {
			if port.Type == intstr.String && p.Name == port.StrVal || port.Type == intstr.Int && p.ContainerPort == port.IntVal {
				return p.ContainerPort
			}
		}
	}
	return 0
}

// TestProductionPinsItsImages: "latest" is another program on every node.
func TestProductionPinsItsImages(t *testing.T) {
	t.Parallel()
	for _, w := range load(t, "production").workloads {
		for _, c := range w.pod.Spec.Containers {
			name := c.Image[strings.LastIndex(c.Image, "/")+1:]
			if _, tag, _ := strings.Cut(name, ":"); tag == "" || tag == "latest" {
				t.Errorf("%s/%s runs %s", w.name, c.Name, c.Image)
			}
		}
	}
}

func TestVolumesAreThere(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *system) {
		t.Helper()
		for _, w := range s.workloads {
			var volumes []string
			for _, v := range w.pod.Spec.Volumes {
				volumes = append(volumes, v.Name)
				if c := v.PersistentVolumeClaim; c != nil && !slices.ContainsFunc(s.claims, func(p *corev1.PersistentVolumeClaim) bool { return p.Name == c.ClaimName }) {
					t.Errorf("%s: there is no claim %s", w.name, c.ClaimName)
				}
				if c := v.ConfigMap; c != nil && !slices.ContainsFunc(s.configMaps, func(p *corev1.ConfigMap) bool { return p.Name == c.Name }) {
					t.Errorf("%s: there is no ConfigMap %s", w.name, c.Name)
				}
			}
			for _, c := range w.claims {
				volumes = append(volumes, c.Name)
			}
			for _, c := range w.pod.Spec.Containers {
				for _, m := range c.VolumeMounts {
					if !slices.Contains(volumes, m.Name) {
						t.Errorf("%s/%s: there is no volume %s", w.name, c.Name, m.Name)
					}
				}
			}
			if name := w.pod.Spec.ServiceAccountName; name != "" && !slices.ContainsFunc(s.accounts, func(a *corev1.ServiceAccount) bool { return a.Name == name }) {
				t.Errorf("%s: there is no ServiceAccount %s", w.name, name)
			}
		}
	})
}
