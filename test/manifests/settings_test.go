package manifests_test

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/cioevents/cioevents/internal/app/ingestapp"
	"github.com/cioevents/cioevents/internal/app/workerapp"
	"github.com/cioevents/cioevents/internal/config"
	"github.com/cioevents/cioevents/internal/warehouse/guard"
)

// settings are those of one of our programs, as its main declares them.
type settings struct {
	set    *config.Set
	log    config.Log
	ingest ingestapp.Config
	worker workerapp.Config
}

// declare returns the settings of a program by its name, nil for one of others.
func declare(program string, env map[string]string) *settings {
	s := &settings{set: config.New(program, func(name string) string { return env[name] })}
	switch program {
	case "ingest":
		s.ingest.Declare(s.set)
	case "worker":
		s.worker.Declare(s.set)
	default:
		return nil
	}
	s.log.Declare(s.set, "json")
	return s
}

// parse reads an environment. The mistakes it returns make the program exit with 2.
func (s *settings) parse() []string {
	err := s.set.Parse(nil)
	if err == nil {
		return nil
	}
	return strings.Split(err.Error(), "\n")
}

// runtimeVariables are read by Go itself, or by Google's library for BigQuery.
var runtimeVariables = []string{"GOMEMLIMIT", "GOGC", "GCE_METADATA_HOST"}

var reference = regexp.MustCompile(`\$\(([A-Z_]+)\)`)

// environment is what a container's process finds, with the keys of Secrets in
// place of their values.
func (s *system) environment(t *testing.T, c corev1.Container) map[string]string {
	t.Helper()
	env := map[string]string{}
	for _, from := range c.EnvFrom {
		for _, m := range s.configMaps {
			if m.Name == from.ConfigMapRef.Name {
				maps.Copy(env, m.Data)
			}
		}
	}
	for _, v := range c.Env {
		switch {
		case v.ValueFrom == nil:
			env[v.Name] = reference.ReplaceAllStringFunc(v.Value, func(r string) string {
				value, ok := env[reference.FindStringSubmatch(r)[1]]
				if !ok { // Kubernetes would leave the reference as it is
					t.Errorf("%s refers to a variable that is not set before it: %s", v.Name, r)
				}
				return value
			})
		case v.Name == guard.KeySetting:
			env[v.Name] = strings.Repeat("k", 32) // a shorter key is a mistake
		case v.ValueFrom.SecretKeyRef != nil:
			env[v.Name] = strings.ReplaceAll(v.ValueFrom.SecretKeyRef.Key, "-", "")
			if strings.HasSuffix(v.Name, "_URL") {
				env[v.Name] = "https://" + env[v.Name] + ".invalid"
			}
		case v.ValueFrom.ConfigMapKeyRef != nil:
			env[v.Name] = s.configMap(t, v.ValueFrom.ConfigMapKeyRef.Name)[v.ValueFrom.ConfigMapKeyRef.Key]
		}
	}
	return env
}

// TestProgramsStartWithTheirEnvironment parses each container's environment with
// the program's own code, and finds the variables that it does not know.
func TestProgramsStartWithTheirEnvironment(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *system) {
		t.Helper()
		programs := map[string]int{}
		for _, w := range s.workloads {
			for _, c := range w.pod.Spec.Containers {
				env := s.environment(t, c)
				program := declare(c.Name, env)
				if program == nil {
					continue
				}
				programs[c.Name]++
				for _, m := range program.parse() {
					t.Errorf("%s: %s", w.name, m)
				}
				for _, name := range unknownNames(program.set, env, c.Env) {
					t.Errorf("%s: %s is no setting of %s", w.name, name, c.Name)
				}
			}
		}
		if programs["ingest"] != 1 || programs["worker"] == 0 {
			t.Errorf("programs: %v", programs)
		}
	})
}

// unknownNames are the variables that neither the program nor another variable
// reads. A name that is only referred to, as $(NATS_PASSWORD), is none.
func unknownNames(set *config.Set, env map[string]string, vars []corev1.EnvVar) []string {
	known := slices.Clone(runtimeVariables)
	for _, s := range set.Settings() {
		known = append(known, s.Name)
	}
	for _, v := range vars {
		for _, r := range reference.FindAllStringSubmatch(v.Value, -1) {
			known = append(known, r[1])
		}
	}
	var unknown []string
	for name := range env {
		if !slices.Contains(known, name) && !slices.Contains(known, strings.TrimSuffix(name, "_FILE")) {
			unknown = append(unknown, name)
		}
	}
	return unknown
}

// TestWarehouseFindsItsIdentity also checks that the address is the one that the
// network policy allows: see TestWhoReachesWhom.
func TestWarehouseFindsItsIdentity(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *system) {
		t.Helper()
		for _, w := range s.workloads {
			for _, c := range w.pod.Spec.Containers {
				env := s.environment(t, c)
				if strings.Contains(env["WAREHOUSE_URL"], "bigquery:") && env["GCE_METADATA_HOST"] != "169.254.169.254" {
					t.Errorf("%s fills BigQuery with GCE_METADATA_HOST=%q", w.name, env["GCE_METADATA_HOST"])
				}
			}
		}
	})
}

func TestAWrongNameIsFound(t *testing.T) {
	t.Parallel()
	env := map[string]string{"CUSTOMERIO_WEBHOOK_SECRT": "x", "NATS_URL": "nats://x"}
	program := declare("ingest", env)
	if got := unknownNames(program.set, env, nil); !slices.Equal(got, []string{"CUSTOMERIO_WEBHOOK_SECRT"}) {
		t.Errorf("unknown: %v", got)
	}
	if mistakes := program.parse(); len(mistakes) == 0 {
		t.Error("a missing secret is no mistake")
	}
}

// TestSecretKeysAreDocumented holds every reference to a Secret against the
// example, in both directions.
func TestSecretKeysAreDocumented(t *testing.T) {
	t.Parallel()
	var example corev1.Secret
	text, err := os.ReadFile("../../deploy/k8s/base/secret.example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	optional := map[string]bool{} // an example that somebody applies unchanged has no value for them
	for _, key := range regexp.MustCompile(`(?m)^  # ([a-z-]+): REPLACE-ME$`).FindAllSubmatch(text, -1) {
		optional[string(key[1])] = true
	}
	text = regexp.MustCompile(`(?m)^  # ([a-z-]+: REPLACE-ME)$`).ReplaceAll(text, []byte("  $1"))
	if err := decodeStrictly(text, &example); err != nil {
		t.Fatal(err)
	}
	for key, value := range example.StringData {
		if value != "REPLACE-ME" {
			t.Errorf("the example holds a value for %s", key)
		}
	}
	each(t, func(t *testing.T, s *system) {
		t.Helper()
		used := map[string]bool{}
		for _, w := range s.workloads {
			for _, c := range w.pod.Spec.Containers {
				for _, v := range c.Env {
					if v.ValueFrom == nil || v.ValueFrom.SecretKeyRef == nil {
						if secretName.MatchString(v.Name) {
							t.Errorf("%s/%s: %s is a secret with its value in the manifest", w.name, c.Name, v.Name)
						}
						continue
					}
					ref := v.ValueFrom.SecretKeyRef
					used[ref.Key] = true
					if _, ok := example.StringData[ref.Key]; ref.Name != example.Name || !ok {
						t.Errorf("%s/%s: Secret %s, key %s is not documented", w.name, c.Name, ref.Name, ref.Key)
					}
					if optional[ref.Key] && (ref.Optional == nil || !*ref.Optional) {
						t.Errorf("%s/%s: key %s is commented out in the example, and the pod needs it", w.name, c.Name, ref.Key)
					}
				}
			}
		}
		for key := range example.StringData {
			if !used[key] {
				t.Errorf("nothing reads the documented key %s", key)
			}
		}
	})
}

var secretName = regexp.MustCompile(`SECRET|PASSWORD|KEY|SITE_ID`)

// TestPodsHoldTheirOwnSecretsAlone: what faces the internet holds no credentials
// of the Track API, and what writes to the warehouse none of either. The App API key, which
// reads names, is with the warehouse. Every worker may be the one that sends alerts.
func TestPodsHoldTheirOwnSecretsAlone(t *testing.T) {
	t.Parallel()
	want := map[string][]string{
		"ingest":             {"nats-ingest-password", "webhook-secret"},
		"worker":             {"alert-secret", "alert-webhook-url", "app-api-key", "nats-worker-password", "privacy-key", "site-id", "track-api-key"}, // the only one of dev
		"worker-suppression": {"alert-secret", "alert-webhook-url", "nats-worker-password", "site-id", "track-api-key"},
		"worker-engagement":  {"alert-secret", "alert-webhook-url", "nats-worker-password", "site-id", "track-api-key"},
		"worker-warehouse":   {"alert-secret", "alert-webhook-url", "app-api-key", "nats-worker-password", "privacy-key"},
		"audit":              {"app-api-key", "nats-operator-password", "privacy-key"},
		"nats":               {"nats-ingest-password", "nats-operator-password", "nats-worker-password"},
	}
	each(t, func(t *testing.T, s *system) {
		t.Helper()
		for _, w := range s.workloads {
			var keys []string
			for _, c := range w.pod.Spec.Containers {
				for _, v := range c.Env {
					if v.ValueFrom != nil && v.ValueFrom.SecretKeyRef != nil {
						keys = append(keys, v.ValueFrom.SecretKeyRef.Key)
					}
				}
			}
			slices.Sort(keys)
			if !slices.Equal(keys, want[w.name]) {
				t.Errorf("%s holds %v, want %v", w.name, keys, want[w.name])
			}
			for _, v := range w.pod.Spec.Volumes {
				if v.Secret == nil || w.name == "nats" {
					continue
				}
				if len(v.Secret.Items) != 1 || v.Secret.Items[0].Key != "ca.crt" {
					t.Errorf("%s mounts more of Secret %s than its ca.crt", w.name, v.Secret.SecretName)
				}
			}
		}
	})
}

// Times of the programs that they do not let be set: ingest.shutdownTimeout, and
// for the worker the grace of a batch and stream.ackSyncTimeout.
const (
	ingestFinish = 8 * time.Second
	workerFinish = 25 * time.Second
)

// TestThereIsTimeToStop: what is killed while it drains breaks the connections
// that the drain is for.
func TestThereIsTimeToStop(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *system) {
		t.Helper()
		for _, w := range s.workloads {
			for _, c := range w.pod.Spec.Containers {
				needs, err := timeToStop(c.Name, s.environment(t, c))
				if err != nil {
					continue
				}
				if c.Lifecycle != nil && c.Lifecycle.PreStop != nil {
					t.Errorf("%s: a preStop hook takes from the time to stop; count it here", w.name)
				}
				// /healthz of ingest's webhook port answers 503 during a drain.
				if p := c.LivenessProbe; p != nil && p.HTTPGet.Port.StrVal == "http" && time.Duration(p.PeriodSeconds*p.FailureThreshold)*time.Second < needs {
					t.Errorf("%s: the liveness probe kills a drain of %v", w.name, needs)
				}
				if grace := time.Duration(*w.pod.Spec.TerminationGracePeriodSeconds) * time.Second; grace < needs+5*time.Second {
					t.Errorf("%s has %v to stop and needs %v, and some to spare", w.name, grace, needs)
				}
			}
		}
	})
}

func timeToStop(program string, env map[string]string) (time.Duration, error) {
	p := declare(program, env)
	if p == nil {
		return 0, errors.New("not ours")
	}
	if mistakes := p.parse(); mistakes != nil {
		return 0, fmt.Errorf("%v", mistakes)
	}
	if program == "worker" {
		return workerFinish, nil
	}
	return p.ingest.Receiver.DrainDelay + ingestFinish, nil
}
