package manifests_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"github.com/rs/zerolog"

	"github.com/cioevents/cioevents/internal/app/ingestapp"
	"github.com/cioevents/cioevents/internal/app/workerapp"
	"github.com/cioevents/cioevents/internal/customerio/customeriotest"
)

// programs are ours, running with the environment of a build on a server of its
// configuration.
type programs struct {
	ingest *ingestapp.App
	worker *workerapp.App
	nats   *natsCluster
	track  string // the address of a stand-in for the Track API
}

// startPrograms runs the dev build: one worker for all consumers, on DuckDB. What
// is replaced is where they listen, connect and write.
func startPrograms(t *testing.T) *programs {
	t.Helper()
	s := load(t, "dev")
	api := httptest.NewServer(customeriotest.New(customeriotest.Config{}))
	t.Cleanup(api.Close)
	p := &programs{nats: startNATS(t, s), track: api.URL}
	var err error
	settings := p.settings(t, s, "ingest", nil)
	if p.ingest, err = ingestapp.New(settings.ingest, zerolog.Nop()); err != nil {
		t.Fatal(err)
	}
	run(t, p.ingest.Run)
	settings = p.settings(t, s, "worker", nil)
	if p.worker, err = workerapp.New(settings.worker, zerolog.Nop()); err != nil {
		t.Fatal(err)
	}
	run(t, p.worker.Run)
	return p
}

// settings are those of the pod that runs a program, with some variables replaced.
func (p *programs) settings(t *testing.T, s *system, program string, replaced map[string]string) *settings {
	t.Helper()
	for _, w := range s.workloads {
		if w.pod.Spec.Containers[0].Name != program {
			continue
		}
		env := s.environment(t, w.pod.Spec.Containers[0])
		env["NATS_URL"], env["INGEST_ADDR"], env["ADMIN_ADDR"], env["DRAIN_DELAY"] = p.nats.url(program), "127.0.0.1:0", "127.0.0.1:0", "0"
		env["CUSTOMERIO_TRACK_URL"] = p.track
		env["WAREHOUSE_URL"] = "duckdb:" + filepath.Join(t.TempDir(), "events.duckdb")
		maps.Copy(env, replaced)
		settings := declare(program, env)
		if mistakes := settings.parse(); mistakes != nil {
			t.Fatal(mistakes)
		}
		return settings
	}
	t.Fatalf("no pod runs %s", program)
	return nil
}

func run(t *testing.T, program func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- program(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("the program ends: %v", err)
		}
	})
}

// address is where a port of a container is on this machine, "" for none.
func (p *programs) address(container, port string) string {
	switch container + " " + port {
	case "ingest http":
		return p.ingest.Addr().String()
	case "ingest admin":
		return p.ingest.AdminAddr().String()
	case "worker admin":
		return p.worker.AdminAddr().String()
	case "nats monitor":
		return p.nats.servers[0].MonitorAddr().String()
	default:
		return ""
	}
}

// TestProbesAreAnswered asks what every probe of every build asks, of the
// programs themselves.
func TestProbesAreAnswered(t *testing.T) {
	t.Parallel()
	p := startPrograms(t)
	each(t, func(t *testing.T, s *system) {
		t.Helper()
		for _, w := range s.workloads {
			if w.kind == "CronJob" {
				continue // ends by itself, and its failures are counted
			}
			for _, c := range w.pod.Spec.Containers {
				if c.Name == "exporter" {
					continue // without it nothing stops but its numbers
				}
				if c.ReadinessProbe == nil || c.LivenessProbe == nil {
					t.Errorf("%s/%s is not probed", w.name, c.Name)
					continue
				}
				probes := []string{c.ReadinessProbe.HTTPGet.Path, c.ReadinessProbe.HTTPGet.Port.StrVal, c.LivenessProbe.HTTPGet.Path, c.LivenessProbe.HTTPGet.Port.StrVal}
				if c.StartupProbe != nil {
					probes = append(probes, c.StartupProbe.HTTPGet.Path, c.StartupProbe.HTTPGet.Port.StrVal)
				}
				for i := 0; i < len(probes); i += 2 {
					url := "http://" + p.address(c.Name, probes[i+1]) + probes[i]
					eventually(t, w.name+" at "+url, func(ctx context.Context) error { return get(ctx, url) })
				}
			}
		}
	})
}

func get(ctx context.Context, url string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return err
	}
	answer, err := new(http.Client).Do(r)
	if err != nil {
		return err
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("status %d", answer.StatusCode)
	}
	return nil
}

// TestIngestAnswersWithoutNATS: the probe that withdraws a pod passes while NATS
// is away, as a load balancer without pods would answer in our place.
func TestIngestAnswersWithoutNATS(t *testing.T) {
	t.Parallel()
	p := startPrograms(t)
	eventually(t, "ready", func(ctx context.Context) error { return get(ctx, "http://"+p.ingest.AdminAddr().String()+"/readyz") })
	p.nats.servers[0].Shutdown()
	eventually(t, "unready", func(ctx context.Context) error {
		if get(ctx, "http://"+p.ingest.AdminAddr().String()+"/readyz") == nil {
			return errors.New("still ready")
		}
		return nil
	})
	for _, w := range load(t, "production").workloads {
		if c := w.pod.Spec.Containers[0]; c.Name == "ingest" {
			for _, probe := range []string{c.ReadinessProbe.HTTPGet.Path, c.LivenessProbe.HTTPGet.Path} {
				if err := get(t.Context(), "http://"+p.address("ingest", c.ReadinessProbe.HTTPGet.Port.StrVal)+probe); err != nil {
					t.Errorf("%s fails while NATS is away: %v", probe, err)
				}
			}
		}
	}
}

// TestContainersDeclareWhereProgramsListen holds the ports against the settings.
func TestContainersDeclareWhereProgramsListen(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, s *system) {
		t.Helper()
		for _, w := range s.workloads {
			for _, c := range w.pod.Spec.Containers {
				p := declare(c.Name, s.environment(t, c))
				if p == nil {
					continue
				}
				p.parse()
				addresses := map[string]string{"http": p.ingest.Addr, "admin": p.ingest.AdminAddr + p.worker.AdminAddr}
				for _, port := range c.Ports {
					if _, want, err := net.SplitHostPort(addresses[port.Name]); err != nil || want != fmt.Sprint(port.ContainerPort) {
						t.Errorf("%s: port %s is %d, the program listens at %q", w.name, port.Name, port.ContainerPort, addresses[port.Name])
					}
				}
			}
		}
	})
}

// gather returns the instruments of both programs when each of their consumers
// has begun to work and its age, which comes last, is known.
func (p *programs) gather(t *testing.T) []*dto.MetricFamily {
	t.Helper()
	var families []*dto.MetricFamily
	eventually(t, "all consumers work", func(context.Context) error {
		all, err := p.worker.Metrics().Gather()
		if err != nil {
			return err
		}
		for _, consumer := range []string{workerapp.Suppression, workerapp.Engagement, workerapp.Warehouse} {
			if !hasConsumer(all, consumer) {
				return fmt.Errorf("nothing of %s yet", consumer)
			}
		}
		families = all
		return nil
	})
	receiver, err := p.ingest.Metrics().Gather()
	if err != nil {
		t.Fatal(err)
	}
	return append(families, receiver...)
}

func hasConsumer(families []*dto.MetricFamily, consumer string) bool {
	for _, f := range families {
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				if f.GetName() == "cioevents_oldest_unacked_seconds" && l.GetName() == "consumer" && l.GetValue() == consumer {
					return true
				}
			}
		}
	}
	return false
}
