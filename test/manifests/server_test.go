package manifests_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/cioevents/cioevents/internal/tlstest"
)

// certificates returns a folder with what the Secret nats-tls holds, for the
// loopback address. The certificate is its own authority.
func certificates(t *testing.T) string {
	t.Helper()
	cert, key := tlstest.NewPair(t, 1, time.Now().Add(time.Hour))
	dir := t.TempDir()
	for name, content := range map[string][]byte{"tls.crt": cert, "ca.crt": cert, "tls.key": key} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// A natsCluster is running servers of a build's configuration.
type natsCluster struct {
	servers []*server.Server
	options []*server.Options
	// scheme is nats or tls, ca the authority's certificate for tls.
	scheme, ca string
}

// startNATS runs as many servers as the build has, on this machine's addresses.
func startNATS(t *testing.T, s *system) *natsCluster {
	t.Helper()
	certs := certificates(t)
	c := &natsCluster{scheme: "nats"}
	replicas := int(*s.nats().Spec.Replicas)
	routes := freePorts(t, replicas)
	for i := range replicas {
		opts := natsOptions(t, s, certs)
		if opts.TLSConfig != nil {
			c.scheme, c.ca = "tls", filepath.Join(certs, "ca.crt")
		}
		opts.ServerName = fmt.Sprintf("nats-%d", i)
		if replicas > 1 {
			opts.Cluster.Host, opts.Cluster.Port = "127.0.0.1", routes[i]
			opts.Routes = nil
			for _, port := range routes {
				opts.Routes = append(opts.Routes, &url.URL{Scheme: "nats", Host: fmt.Sprintf("127.0.0.1:%d", port)})
			}
		}
		c.options = append(c.options, opts)
		c.servers = append(c.servers, runNATS(t, opts))
	}
	for _, srv := range c.servers {
		if !srv.ReadyForConnections(20 * time.Second) {
			t.Fatal("a NATS server does not get ready")
		}
	}
	return c
}

// restart stops a server and starts it again. With an empty disk only the server's name
// stays, as the name of a pod does.
func (c *natsCluster) restart(t *testing.T, i int, emptyDisk bool) *server.Server {
	t.Helper()
	c.servers[i].Shutdown()
	c.servers[i].WaitForShutdown()
	if emptyDisk {
		c.options[i].StoreDir = t.TempDir()
	}
	c.servers[i] = startServer(t, c.options[i])
	return c.servers[i]
}

// runNATS starts a server with what belongs to this machine replaced.
func runNATS(t *testing.T, opts *server.Options) *server.Server {
	t.Helper()
	opts.Host, opts.Port, opts.HTTPHost, opts.HTTPPort = "127.0.0.1", server.RANDOM_PORT, "127.0.0.1", server.RANDOM_PORT
	opts.StoreDir, opts.PidFile, opts.NoLog, opts.NoSigs = t.TempDir(), "", true, true
	opts.JetStreamMaxStore = 1 << 40 // it bounds what streams may reserve, and reserves nothing
	return startServer(t, opts)
}

func startServer(t *testing.T, opts *server.Options) *server.Server {
	t.Helper()
	srv, err := server.NewServer(opts)
	if err != nil {
		t.Fatalf("new NATS server: %v", err)
	}
	srv.Start()
	t.Cleanup(func() {
		srv.Shutdown()
		srv.WaitForShutdown()
	})
	return srv
}

// url is the cluster's address for a user, with the password of the manifests.
func (c *natsCluster) url(user string) string {
	var urls []string
	password := natsVariables["NATS_"+strings.ToUpper(user)+"_PASSWORD"]
	for _, srv := range c.servers {
		urls = append(urls, fmt.Sprintf("%s://%s:%s@%s", c.scheme, user, password, srv.Addr()))
	}
	return strings.Join(urls, ",")
}

// operator connects as an operator with the NATS CLI does.
func (c *natsCluster) operator(t *testing.T) jetstream.JetStream {
	t.Helper()
	opts := []nats.Option{}
	if c.ca != "" {
		opts = append(opts, nats.RootCAs(c.ca))
	}
	return connectTo(t, c.url("operator"), opts...)
}

// connectTo connects until the test ends.
func connectTo(t *testing.T, url string, opts ...nats.Option) jetstream.JetStream {
	t.Helper()
	nc, err := nats.Connect(url, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	return js
}

// freePorts returns ports for listeners that are told a number. The ports lie below those
// that the kernel gives to connections and to listeners without a number, which other
// tests open at the same time.
func freePorts(t *testing.T, n int) []int {
	t.Helper()
	var ports []int
	for len(ports) < n {
		port := 20_000 + rand.IntN(12_000)
		ln, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if errors.Is(err, syscall.EADDRINUSE) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		defer ln.Close() //nolint:gocritic // all are open until all are known, so that none comes twice
		ports = append(ports, port)
	}
	return ports
}
