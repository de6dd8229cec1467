package manifests_test

import (
	"path/filepath"
	"strings"
	"sync"
	"testing"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/json"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

// namespace is that of all objects.
const namespace = "cioevents"

// The builds under test. Each takes kustomize a second, once.
var builds = map[string]func() (*system, error){
	"base":       sync.OnceValues(func() (*system, error) { return build("base") }),
	"dev":        sync.OnceValues(func() (*system, error) { return build("overlays/dev") }),
	"production": sync.OnceValues(func() (*system, error) { return build("overlays/production") }),
	"audit":      sync.OnceValues(buildWithAudit),
}

func load(t *testing.T, name string) *system {
	t.Helper()
	s, err := builds[name]()
	if err != nil {
		t.Fatalf("build %s: %v", name, err)
	}
	return s
}

// each runs a test on every build.
func each(t *testing.T, test func(t *testing.T, s *system)) {
	t.Helper()
	for name := range builds {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, load(t, name))
		})
	}
}

// A system is all objects of one build.
type system struct {
	namespaces    []*corev1.Namespace
	configMaps    []*corev1.ConfigMap
	services      []*corev1.Service
	accounts      []*corev1.ServiceAccount
	claims        []*corev1.PersistentVolumeClaim
	deployments   []*appsv1.Deployment
	jobs          []*batchv1.CronJob
	sets          []*appsv1.StatefulSet
	budgets       []*policyv1.PodDisruptionBudget
	autoscalers   []*autoscalingv2.HorizontalPodAutoscaler
	policies      []*networkingv1.NetworkPolicy
	ingresses     []*networkingv1.Ingress
	monitors      []*monitoringv1.ServiceMonitor
	rules         []*monitoringv1.PrometheusRule
	scaledObjects []*scaledObject
	workloads     []workload
	// mistakes are what does not decode.
	mistakes []string
}

// A workload is what makes pods.
type workload struct {
	kind, name string
	selector   *metav1.LabelSelector // nil for a CronJob
	pod        corev1.PodTemplateSpec
	claims     []corev1.PersistentVolumeClaim
}

func build(dir string) (*system, error) {
	return buildIn(filesys.MakeFsOnDisk(), filepath.Join("..", "..", "deploy", "k8s", dir))
}

// buildWithAudit builds the overlay for production with the component audit.
func buildWithAudit() (*system, error) {
	files, err := copyManifests()
	if err != nil {
		return nil, err
	}
	const overlay = "namespace: cioevents\nresources: [../production]\ncomponents: [../../components/audit]\n"
	if err := files.WriteFile("overlays/audited/kustomization.yaml", []byte(overlay)); err != nil {
		return nil, err
	}
	return buildIn(files, "overlays/audited")
}

func buildIn(files filesys.FileSystem, dir string) (*system, error) {
	objects, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(files, dir)
	if err != nil {
		return nil, err
	}
	return systemOf(objects)
}

func systemOf(objects resmap.ResMap) (*system, error) {
	s := &system{}
	for _, o := range objects.Resources() {
		text, err := o.AsYAML()
		if err != nil {
			return nil, err
		}
		s.add(o.GetApiVersion()+" "+o.GetKind(), text)
	}
	for _, d := range s.deployments {
		s.workloads = append(s.workloads, workload{"Deployment", d.Name, d.Spec.Selector, d.Spec.Template, nil})
	}
	for _, d := range s.sets {
		s.workloads = append(s.workloads, workload{"StatefulSet", d.Name, d.Spec.Selector, d.Spec.Template, d.Spec.VolumeClaimTemplates})
	}
	for _, j := range s.jobs {
		s.workloads = append(s.workloads, workload{"CronJob", j.Name, nil, j.Spec.JobTemplate.Spec.Template, nil})
	}
	return s, nil
}

// add decodes an object into its API's type, in which no field may be unknown.
func (s *system) add(kind string, text []byte) {
	var problem string
	switch kind {
	case "v1 Namespace":
		problem = keep(&s.namespaces, text)
	case "v1 ConfigMap":
		problem = keep(&s.configMaps, text)
	case "v1 Service":
		problem = keep(&s.services, text)
	case "v1 ServiceAccount":
		problem = keep(&s.accounts, text)
	case "v1 PersistentVolumeClaim":
		problem = keep(&s.claims, text)
	case "apps/v1 Deployment":
		problem = keep(&s.deployments, text)
	case "apps/v1 StatefulSet":
		problem = keep(&s.sets, text)
	case "batch/v1 CronJob":
		problem = keep(&s.jobs, text)
	case "policy/v1 PodDisruptionBudget":
		problem = keep(&s.budgets, text)
	case "autoscaling/v2 HorizontalPodAutoscaler":
		problem = keep(&s.autoscalers, text)
	case "networking.k8s.io/v1 NetworkPolicy":
		problem = keep(&s.policies, text)
	case "networking.k8s.io/v1 Ingress":
		problem = keep(&s.ingresses, text)
	case "monitoring.coreos.com/v1 ServiceMonitor":
		problem = keep(&s.monitors, text)
	case "monitoring.coreos.com/v1 PrometheusRule":
		problem = keep(&s.rules, text)
	case "keda.sh/v1alpha1 ScaledObject":
		problem = keep(&s.scaledObjects, text)
	default:
		problem = "no type is known for it"
	}
	if problem != "" {
		s.mistakes = append(s.mistakes, kind+": "+problem)
	}
}

func keep[T any](list *[]*T, text []byte) (problem string) {
	object := new(T)
	if err := decodeStrictly(text, object); err != nil {
		return err.Error() + "\n" + string(text)
	}
	*list = append(*list, object)
	return ""
}

// decodeStrictly is what the API server does: names of fields are compared with
// their case, none may be unknown or there twice.
func decodeStrictly(text []byte, object any) error {
	data, err := yaml.YAMLToJSONStrict(text)
	if err != nil {
		return err
	}
	strict, err := json.UnmarshalStrict(data, object)
	if err != nil {
		return err
	}
	for _, e := range strict {
		return e
	}
	return nil
}

// configMap returns the data of a ConfigMap by the name that it has before
// kustomize adds a hash, e.g. nats-5h2k7t9k2m.
func (s *system) configMap(t *testing.T, name string) map[string]string {
	t.Helper()
	for _, c := range s.configMaps {
		if c.Name == name || strings.HasPrefix(c.Name, name+"-") && strings.Count(c.Name, "-") == 1+strings.Count(name, "-") {
			return c.Data
		}
	}
	t.Fatalf("there is no ConfigMap %s", name)
	return nil
}
