package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/cioevents/cioevents/test/lab"
)

// replaceMember adds a fourth server to the cluster, stops an old server and removes the
// old server with "peer remove": NATS copies its replicas to the new server.
func replaceMember(ctx context.Context, d *deployment, _ *sender, r *rand.Rand) error {
	old := d.cluster.random(r)
	nc, err := nats.Connect(d.cluster.url(system), nats.MaxReconnects(-1))
	if err != nil {
		return err
	}
	defer nc.Close()
	if err := d.join(ctx, nc, d.cluster.free()); err != nil {
		return err
	}
	return d.remove(ctx, nc, old, r)
}

// join starts a server in a free place, and waits until the server is a member. A server
// that does not become a member frees the place.
func (d *deployment) join(ctx context.Context, nc *nats.Conn, i int) error {
	if err := d.cluster.newServer(i); err != nil {
		return err
	}
	p := d.cluster.server(i)
	err := d.startLogged(p)
	if err == nil {
		err = lab.WaitFor(ctx, p.Name+" is a member", joinWithin, func() error { return isMember(nc, p.Name) })
	}
	if err != nil {
		p.Kill()
		d.cluster.places[i].server = nil
	}
	return err
}

// joinWithin bounds the joining and the leaving of a server. An election takes up to 9 s.
const joinWithin = time.Minute

// askJetStream asks each server for the state of its JetStream, over a connection of the
// system account.
const askJetStream = "$SYS.REQ.SERVER.PING.JSZ"

// An answer is a server's answer to a question of askJetStream.
type answer struct {
	Server server.ServerInfo `json:"server"`
	Data   server.JSInfo     `json:"data"`
}

// isMember asks the leader of the cluster whether JetStream knows a server.
func isMember(nc *nats.Conn, name string) error {
	ask, err := json.Marshal(server.JSzOptions{LeaderOnly: true})
	if err != nil {
		return err
	}
	msg, err := nc.Request(askJetStream, ask, askWithin)
	if err != nil {
		return err
	}
	var a answer
	if err := json.Unmarshal(msg.Data, &a); err != nil {
		return err
	}
	if a.Data.Meta != nil {
		for _, p := range a.Data.Meta.Replicas {
			if p.Name == name && p.Current {
				return nil
			}
		}
	}
	return fmt.Errorf("the leader does not know %s", name)
}

// remove stops the server of a place, removes the server from the cluster and frees the
// place.
func (d *deployment) remove(ctx context.Context, nc *nats.Conn, i int, r *rand.Rand) error {
	gone := d.cluster.server(i)
	if r.IntN(2) == 0 {
		gone.Stop()
	} else {
		gone.Kill()
	}
	d.cluster.places[i].server = nil
	if err := lab.WaitFor(ctx, gone.Name+" is removed", joinWithin, func() error { return removePeer(nc, gone.Name) }); err != nil {
		return err
	}
	if err := d.replicated(ctx); err != nil {
		return err
	}
	return os.RemoveAll(filepath.Join(d.cfg.Dir, gone.Name))
}

// removePeer does what "nats server raft peer-remove" does.
func removePeer(nc *nats.Conn, name string) error {
	request, err := json.Marshal(server.JSApiMetaServerRemoveRequest{Server: name})
	if err != nil {
		return err
	}
	msg, err := nc.Request(server.JSApiRemoveServer, request, askWithin)
	if err != nil {
		return err
	}
	var response server.JSApiMetaServerRemoveResponse
	if err := json.Unmarshal(msg.Data, &response); err != nil {
		return err
	}
	// After a lost answer, the server is removed already.
	if e := response.Error; e != nil && e.ErrCode != uint16(server.JSClusterServerNotMemberErr) {
		return e
	}
	return nil
}
