package manifests_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"
	corev1 "k8s.io/api/core/v1"

	"github.com/cioevents/cioevents/internal/stream"
)

// A lagReader reads the lag of a consumer as KEDA's scaler nats-jetstream does, in its
// versions 2.13 to 2.21 (https://github.com/kedacore/keda, type natsJetStreamScaler): from
// /jsz, /varz and names in the headless Service, without a connection to NATS.
type lagReader struct {
	trigger natsTrigger
	client  *http.Client
	routes  []string // of /varz in a pod: on this machine the servers have other addresses
}

// lag asks any server for the size of the cluster and for its routes, and then each server
// of the routes for the consumer. Only the leader knows the lag.
func (r *lagReader) lag(ctx context.Context) (uint64, error) {
	var first server.JSInfo
	var info server.Varz
	if err := errors.Join(r.read(ctx, r.jsz(""), &first), r.read(ctx, "http://"+r.trigger.Endpoint+"/varz", &info)); err != nil {
		return 0, err
	}
	if first.Meta == nil || first.Meta.Size != len(r.routes) || len(info.ClientConnectURLs) > 0 {
		return 0, fmt.Errorf("cluster %+v, %d routes, connect_urls %q: want names of servers instead of addresses", first.Meta, len(r.routes), info.ClientConnectURLs)
	}
	for _, route := range r.routes {
		node, _, _ := strings.Cut(route, ".")
		var answer server.JSInfo
		if err := r.read(ctx, r.jsz(node+"."), &answer); err != nil {
			return 0, err
		}
		if c := r.consumer(&answer); c != nil && c.Cluster != nil && c.Cluster.Leader == node {
			return c.NumPending + uint64(c.NumAckPending), nil
		}
	}
	return 0, fmt.Errorf("no leader of consumer %s", r.trigger.Consumer)
}

func (r *lagReader) jsz(node string) string {
	return "http://" + node + r.trigger.Endpoint + "/jsz?acc=" + r.trigger.Account + "&config=true&consumers=true"
}

func (r *lagReader) read(ctx context.Context, url string, answer any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return err
	}
	response, err := r.client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	return json.NewDecoder(response.Body).Decode(answer)
}

func (r *lagReader) consumer(info *server.JSInfo) *server.ConsumerInfo {
	for _, a := range info.AccountDetails {
		for _, s := range a.Streams {
			for _, c := range s.Consumer {
				if a.Name == r.trigger.Account && s.Name == r.trigger.Stream && c.Name == r.trigger.Consumer {
					return c
				}
			}
		}
	}
	return nil
}

// TestKEDAReadsTheLag: the triggers, the names of the servers and NATS' monitoring fit
// together, whichever server answers for the headless Service.
func TestKEDAReadsTheLag(t *testing.T) {
	t.Parallel()
	s := load(t, "production")
	c := startNATS(t, s)
	c.fill(t, 10, 1)
	routes := routesInPod(t, s)
	for _, o := range s.scaledObjects {
		trigger := o.Spec.Triggers[0].Metadata
		r := &lagReader{trigger: trigger, routes: routes}
		r.client = c.serviceClient(t, s, trigger.Endpoint, 0)
		if lag, err := r.lag(t.Context()); err == nil {
			t.Errorf("%s: a lag of %d without a consumer", trigger.Consumer, lag)
		}
		take(t, c.operator(t), trigger.Consumer, 3)
		for i := range c.servers {
			r.client = c.serviceClient(t, s, trigger.Endpoint, i)
			eventually(t, fmt.Sprintf("the lag of %s by nats-%d", trigger.Consumer, i), func(ctx context.Context) error {
				lag, err := r.lag(ctx)
				if err == nil && lag != 10 {
					err = fmt.Errorf("a lag of %d, want 10", lag)
				}
				return err
			})
		}
	}
}

// take creates a consumer and fetches n of its messages without an acknowledgement.
func take(t *testing.T, js jetstream.JetStream, name string, n int) {
	t.Helper()
	consumer, err := js.CreateConsumer(t.Context(), stream.Name, jetstream.ConsumerConfig{Durable: name, AckPolicy: jetstream.AckExplicitPolicy})
	if err != nil {
		t.Fatal(err)
	}
	// The consumer's leader may not be elected yet.
	eventually(t, "fetch as "+name, func(context.Context) error {
		batch, err := consumer.Fetch(n)
		if err != nil {
			return err
		}
		for range batch.Messages() {
			n--
		}
		if n == 0 {
			return nil
		}
		return errors.Join(fmt.Errorf("%d messages missing", n), batch.Error())
	})
}

// routesInPod is cluster.urls of /varz for the unchanged configuration. The server does
// not start, because its routes have no addresses here.
func routesInPod(t *testing.T, s *system) []string {
	t.Helper()
	opts := natsOptions(t, s, certificates(t))
	env := s.nats().Spec.Template.Spec.Containers[0].Env
	i := slices.IndexFunc(env, func(v corev1.EnvVar) bool { return v.Name == "POD_NAME" })
	if i < 0 || env[i].ValueFrom.FieldRef.FieldPath != "metadata.name" || opts.ServerName != natsVariables["POD_NAME"] {
		t.Errorf("the server of pod %s has the name %s, POD_NAME is variable %d", natsVariables["POD_NAME"], opts.ServerName, i)
	}
	opts.StoreDir = t.TempDir()
	srv, err := server.NewServer(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(srv.Shutdown)
	info, err := srv.Varz(nil)
	if err != nil {
		t.Fatal(err)
	}
	return info.Cluster.URLs
}

// serviceClient resolves the names of the headless Service: the name of a pod to its
// server, and the name of the Service to one server.
func (c *natsCluster) serviceClient(t *testing.T, s *system, endpoint string, answering int) *http.Client {
	t.Helper()
	host, port, err := net.SplitHostPort(endpoint)
	if err != nil || port != fmt.Sprint(natsOptions(t, s, certificates(t)).HTTPPort) {
		t.Errorf("NATS does not answer at %s, %v", endpoint, err)
	}
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		pod := strings.TrimSuffix(strings.TrimSuffix(address, endpoint), ".")
		i := answering
		if pod != "" {
			i = slices.IndexFunc(c.servers, func(srv *server.Server) bool { return srv.Name() == pod })
		}
		if i < 0 {
			return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
		}
		return new(net.Dialer).DialContext(ctx, network, c.servers[i].MonitorAddr().String())
	}
	transport := &http.Transport{DialContext: dial}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}
