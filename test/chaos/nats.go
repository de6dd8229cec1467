package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// natsRole is the argument that makes this program one server of the cluster.
const natsRole = "nats"

// nodes is the size of the cluster.
const nodes = 3

// A cluster is NATS in production: three servers, each message on all of them. The
// routes between two of them lead through wires of ours.
type cluster struct {
	procs [nodes]*process
	urls  [nodes]string
	wires [nodes][nodes]*wire // of the routes that the first opens to the second
}

func newCluster(dir, self string) (*cluster, error) {
	c := &cluster{}
	var clients, routes [nodes]int
	for i := range nodes {
		clients[i], routes[i] = freePort(), freePort()
		c.urls[i] = fmt.Sprintf("nats://127.0.0.1:%d", clients[i])
	}
	for i := range nodes {
		var to []string
		for j := range nodes {
			if i == j {
				continue
			}
			w, err := newWire(fmt.Sprintf("127.0.0.1:%d", routes[j]))
			if err != nil {
				return nil, err
			}
			c.wires[i][j] = w
			to = append(to, "nats-route://"+w.addr())
		}
		p, err := newProcess(dir, "nats-"+strconv.Itoa(i), self)
		if err != nil {
			return nil, err
		}
		p.args = []string{
			natsRole, "nats-" + strconv.Itoa(i), strconv.Itoa(clients[i]), strconv.Itoa(routes[i]),
			strings.Join(to, ","), filepath.Join(dir, "nats-"+strconv.Itoa(i)),
		}
		c.procs[i] = p
	}
	return c, nil
}

// cut takes a server away from the others, though not from its clients, until the
// returned function is called.
func (c *cluster) cut(node int) (mend func()) {
	each := func(f func(*wire)) {
		for i := range nodes {
			if i != node {
				f(c.wires[i][node])
				f(c.wires[node][i])
			}
		}
	}
	each((*wire).cut)
	return func() { each((*wire).mend) }
}

// url is what a client is configured with.
func (c *cluster) url() string { return strings.Join(c.urls[:], ",") }

// runNATS is a server with the settings of deploy/: what was acknowledged is on
// the disks of two.
func runNATS(ctx context.Context, args []string) error {
	if len(args) != 5 {
		return errors.New("a NATS server has five arguments")
	}
	name, routes, dir := args[0], server.RoutesFromStr(args[3]), args[4]
	client, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	cluster, err := strconv.Atoi(args[2])
	if err != nil {
		return err
	}
	srv, err := server.NewServer(&server.Options{
		ServerName: name, Host: "127.0.0.1", Port: client, NoSigs: true, MaxPayload: 8 << 20,
		JetStream: true, StoreDir: dir, SyncInterval: 2 * time.Minute, SyncAlways: true,
		Routes: routes,
		// The advertised address leads nowhere, for a server that learns of another
		// would go round the wires.
		Cluster: server.ClusterOpts{
			Name: "chaos", Host: "127.0.0.1", Port: cluster, Advertise: "127.0.0.1:1", NoAdvertise: true,
			PoolSize: -1, Compression: server.CompressionOpts{Mode: server.CompressionOff},
		},
	})
	if err != nil {
		return err
	}
	srv.ConfigureLogger()
	srv.Start()
	<-ctx.Done()
	srv.Shutdown()
	srv.WaitForShutdown()
	return nil
}

func freePort() int {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0
	}
	defer ln.Close()
	_, port, err := net.SplitHostPort(ln.Addr().String())
	if err != nil {
		return 0
	}
	n, _ := strconv.Atoi(port) // as the system wrote it
	return n
}

func freeAddr() string { return "127.0.0.1:" + strconv.Itoa(freePort()) }
