package manifests_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	appsv1 "k8s.io/api/apps/v1"

	"github.com/cioevents/cioevents/internal/config"
	"github.com/cioevents/cioevents/internal/ingest"
)

// account is what the programs, KEDA and the alerts are about.
const account = "CIOEVENTS"

// Variables that the configuration of NATS refers to.
var natsVariables = map[string]string{
	"POD_NAME":               "nats-0",
	"NATS_INGEST_PASSWORD":   "n0ingest",
	"NATS_WORKER_PASSWORD":   "n1worker",
	"NATS_OPERATOR_PASSWORD": "n2operator",
}

func TestMain(m *testing.M) {
	for name, value := range natsVariables {
		if err := os.Setenv(name, value); err != nil {
			panic(err)
		}
	}
	os.Exit(m.Run()) //nolint:forbidigo // as every TestMain
}

// natsOptions has the server's own parser read the configuration that a build
// mounts, with a certificate in place of the mounted one.
func natsOptions(t *testing.T, s *system, certs string) *server.Options {
	t.Helper()
	dir := t.TempDir()
	for name, text := range s.configMap(t, "nats") {
		text = strings.ReplaceAll(text, "/etc/nats-tls/", certs+"/")
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return parseNATS(t, filepath.Join(dir, "nats.conf"))
}

func parseNATS(t *testing.T, path string) *server.Options {
	t.Helper()
	opts, err := server.ProcessConfigFile(path)
	if err != nil {
		t.Fatalf("read NATS' configuration: %v", err)
	}
	return opts
}

func (s *system) nats() *appsv1.StatefulSet { return s.sets[0] }

func TestNATSFitsItsPod(t *testing.T) {
	t.Parallel()
	certs := certificates(t)
	each(t, func(t *testing.T, s *system) {
		t.Helper()
		opts := natsOptions(t, s, certs)
		pod := s.nats().Spec.Template
		for name, port := range map[string]int{"client": opts.Port, "monitor": opts.HTTPPort} {
			if p := s.servicePort("nats-headless", name); int(portNumber(pod, p.TargetPort)) != port {
				t.Errorf("NATS listens at %d for %s, which is not the container's port", port, name)
			}
		}
		if opts.MaxPayload < ingest.DefaultMaxBody+64<<10 {
			t.Errorf("max_payload %d does not take the largest body", opts.MaxPayload)
		}
		if !opts.NoSublistCache {
			t.Error("NATS caches the subjects of acknowledgements, each of which is used once")
		}
		if opts.StoreDir != mountOf(s, "data") || filepath.Dir(opts.PidFile) != mountOf(s, "run") {
			t.Errorf("NATS writes to %s and %s, where nothing is mounted", opts.StoreDir, opts.PidFile)
		}
		grace := time.Duration(*pod.Spec.TerminationGracePeriodSeconds) * time.Second
		if opts.LameDuckDuration+opts.LameDuckGracePeriod >= grace {
			t.Errorf("lame duck mode takes longer than the %v to stop", grace)
		}
		disk := s.nats().Spec.VolumeClaimTemplates[0].Spec.Resources.Requests.Storage().Value()
		var stream config.Bytes
		if err := stream.Set(s.configMap(t, "cioevents")["STREAM_MAX_BYTES"]); err != nil {
			t.Fatal(err)
		}
		if int64(stream) >= opts.JetStreamMaxStore || opts.JetStreamMaxStore >= disk {
			t.Errorf("stream %d, store %d, disk %d: each must be full before the next", int64(stream), opts.JetStreamMaxStore, disk)
		}
	})
}

func mountOf(s *system, volume string) string {
	for _, m := range s.nats().Spec.Template.Spec.Containers[0].VolumeMounts {
		if m.Name == volume {
			return m.MountPath
		}
	}
	return ""
}

// TestNATSIsDurable: a replicated stream is synced always, a single one every
// 100 ms, and every replica has its route.
func TestNATSIsDurable(t *testing.T) {
	t.Parallel()
	certs := certificates(t)
	each(t, func(t *testing.T, s *system) {
		t.Helper()
		opts := natsOptions(t, s, certs)
		replicas := int(*s.nats().Spec.Replicas)
		if got := s.configMap(t, "cioevents")["STREAM_REPLICAS"]; got != strconv.Itoa(replicas) {
			t.Errorf("STREAM_REPLICAS is %s, there are %d servers", got, replicas)
		}
		if replicas == 1 {
			if opts.SyncInterval != 100*time.Millisecond || opts.Cluster.Port != 0 {
				t.Errorf("a single server: sync_interval %v, cluster port %d", opts.SyncInterval, opts.Cluster.Port)
			}
			return
		}
		if !opts.SyncAlways || !opts.Cluster.NoAdvertise {
			t.Errorf("sync always: %t, no_advertise: %t", opts.SyncAlways, opts.Cluster.NoAdvertise)
		}
		for i := range replicas {
			want := "nats-" + strconv.Itoa(i) + "." + s.nats().Spec.ServiceName + ":" + strconv.Itoa(opts.Cluster.Port)
			if i >= len(opts.Routes) || opts.Routes[i].Host != want {
				t.Errorf("route %d of %v is not %s", i, opts.Routes, want)
			}
		}
	})
}

func TestProductionEncryptsEveryConnection(t *testing.T) {
	t.Parallel()
	s := load(t, "production")
	opts := natsOptions(t, s, certificates(t))
	if opts.TLSConfig == nil || opts.AllowNonTLS {
		t.Error("clients may connect without TLS")
	}
	if opts.Cluster.TLSConfig == nil || opts.Cluster.TLSConfig.ClientCAs == nil {
		t.Error("servers may connect without a certificate")
	}
	if got := mountOf(s, "tls"); got != "/etc/nats-tls" {
		t.Errorf("the certificate is mounted at %q", got)
	}
	for _, w := range s.workloads {
		for _, c := range w.pod.Spec.Containers {
			env := s.environment(t, c)
			if url := env["NATS_URL"]; url != "" && (!strings.HasPrefix(url, "tls://") || env["NATS_TLS_CA"] != "/etc/nats-tls/ca.crt") {
				t.Errorf("%s connects to %s with the authority %q", w.name, strings.SplitN(url, ":", 2)[0], env["NATS_TLS_CA"])
			}
		}
	}
}
