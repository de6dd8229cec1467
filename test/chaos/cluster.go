package main

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/cioevents/cioevents/test/lab"
)

// nodes is the size of the NATS cluster.
const nodes = 3

// A cluster is NATS as in production: three servers that replicate each message. Each
// route between two servers leads through a proxy.
type cluster struct {
	servers [nodes]*lab.Process
	proxies [nodes][nodes]*proxy // of the routes that the first server opens to the second
}

func newCluster(dir string) (*cluster, error) {
	c := &cluster{}
	var ports [nodes]int // for the routes
	for i := range nodes {
		ports[i] = lab.FreePort()
	}
	for i := range nodes {
		routes, err := c.routes(i, ports)
		if err != nil {
			return nil, err
		}
		name := "nats-" + strconv.Itoa(i)
		if c.servers[i], err = lab.NewNATS(lab.NATSConfig{
			Name: name, Dir: filepath.Join(dir, name), Port: lab.FreePort(), ClusterPort: ports[i], Routes: routes, Log: true,
		}); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// routes opens the proxies from server i to the others and returns their URLs.
func (c *cluster) routes(i int, ports [nodes]int) (string, error) {
	var urls []string
	for j := range nodes {
		if i == j {
			continue
		}
		p, err := newProxy(fmt.Sprintf("127.0.0.1:%d", ports[j]))
		if err != nil {
			return "", err
		}
		c.proxies[i][j] = p
		urls = append(urls, "nats-route://"+p.addr())
	}
	return strings.Join(urls, ","), nil
}

// cut separates a server from the other servers, though not from its clients, until
// the returned function is called.
func (c *cluster) cut(node int) (restore func()) {
	each := func(f func(*proxy)) {
		for i := range nodes {
			if i != node {
				f(c.proxies[i][node])
				f(c.proxies[node][i])
			}
		}
	}
	each((*proxy).cut)
	return func() { each((*proxy).restore) }
}

// url returns the value of NATS_URL: the URLs of all servers.
func (c *cluster) url() string {
	var urls []string
	for _, s := range c.servers {
		urls = append(urls, s.Addr)
	}
	return strings.Join(urls, ",")
}
