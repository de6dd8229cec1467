package main

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/cioevents/cioevents/test/lab"
)

// nodes is the size of the NATS cluster, places how many addresses a server can have:
// one address is free for a new member.
const (
	nodes  = 3
	places = nodes + 1
)

// A cluster is NATS as in production: three servers that replicate each message, with
// the users and the permissions of deploy/. The programs reach each server through a
// proxy, and each route between two servers leads through a proxy.
type cluster struct {
	dir      string
	accounts *accounts
	places   [places]*place
	named    int // names given so far; the name of a removed server is not used again
}

// A place is an address of a server.
type place struct {
	port, clusterPort int
	server            *lab.Process   // nil for a free place
	front             *proxy         // from the programs
	routes            [places]*proxy // of the routes that the server opens to other places
}

func newCluster(dir string, a *accounts) (*cluster, error) {
	c := &cluster{dir: dir, accounts: a}
	for i := range c.places {
		c.places[i] = &place{port: lab.FreePort(), clusterPort: lab.FreePort()}
	}
	for i := range c.places {
		if err := c.openProxies(i); err != nil {
			return nil, err
		}
	}
	for i := range nodes {
		if err := c.newServer(i); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func (c *cluster) openProxies(i int) (err error) {
	p := c.places[i]
	if p.front, err = newProxy(p.addr()); err != nil {
		return err
	}
	for j := range c.places {
		if i == j {
			continue
		}
		if p.routes[j], err = newProxy(fmt.Sprintf("127.0.0.1:%d", c.places[j].clusterPort)); err != nil {
			return err
		}
	}
	return nil
}

// close ends the proxies.
func (c *cluster) close() {
	for i, p := range c.places {
		p.front.close()
		for _, route := range c.routes(i) {
			route.close()
		}
	}
}

// newServer puts a server with a new name and without data in a free place. The server
// opens routes to the members, or to the first three places for the first members.
func (c *cluster) newServer(i int) (err error) {
	peers := c.members()
	if c.named < nodes {
		peers = []int{0, 1, 2}
	}
	var routes []string
	for _, j := range peers {
		if j != i {
			routes = append(routes, "nats-route://"+c.places[i].routes[j].addr())
		}
	}
	name := "nats-" + strconv.Itoa(c.named)
	c.named++
	c.places[i].server, err = lab.NewNATS(lab.NATSConfig{
		Name: name, Dir: filepath.Join(c.dir, name), Port: c.places[i].port, Accounts: c.accounts.path,
		ClusterPort: c.places[i].clusterPort, Routes: strings.Join(routes, ","), Log: true,
	})
	return err
}

// members returns the places of the servers.
func (c *cluster) members() (list []int) {
	for i, p := range c.places {
		if p.server != nil {
			list = append(list, i)
		}
	}
	return list
}

// free returns the place without a server.
func (c *cluster) free() int {
	return slices.IndexFunc(c.places[:], func(p *place) bool { return p.server == nil })
}

// random returns the place of a random server.
func (c *cluster) random(r *rand.Rand) int { return c.members()[r.IntN(nodes)] }

// server returns the server of a place.
func (c *cluster) server(i int) *lab.Process { return c.places[i].server }

// cut separates a server from the other servers, though not from its clients, until
// the returned function is called.
func (c *cluster) cut(i int) (restore func()) {
	set := func(cut bool) {
		for _, p := range c.routes(i) {
			p.setCut(cut)
		}
	}
	set(true)
	return func() { set(false) }
}

// routes returns the proxies between a server and the other servers.
func (c *cluster) routes(i int) (list []*proxy) {
	for j, p := range c.places {
		if i != j {
			list = append(list, p.routes[i], c.places[i].routes[j])
		}
	}
	return list
}

// url returns the value of NATS_URL for a user: the URLs of all places. The programs
// connect through the proxies, other users directly.
func (c *cluster) url(user string) string {
	var urls []string
	for _, p := range c.places {
		addr := p.front.addr()
		if user == operator || user == system {
			addr = p.addr()
		}
		urls = append(urls, "nats://"+user+":"+c.accounts.passwords[user]+"@"+addr)
	}
	return strings.Join(urls, ",")
}

func (p *place) addr() string { return fmt.Sprintf("127.0.0.1:%d", p.port) }
