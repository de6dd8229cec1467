package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/cioevents/cioevents/test/lab"
)

// noticedWithin is how soon the programs must give up a half-open connection to NATS:
// 6 s, and some time to spare on a loaded machine.
const noticedWithin = 10 * time.Second

// silenceNATS lets a NATS server vanish without a FIN, with its programs' connections.
// A new connection succeeds after a while; the programs must notice that the old
// connection is dead.
func silenceNATS(ctx context.Context, d *deployment, _ *sender, r *rand.Rand) error {
	i := d.cluster.random(r)
	front := d.cluster.places[i].front
	if front.open() == 0 {
		return fmt.Errorf("%w: no program is connected to the server", errNotPossible)
	}
	front.silence()
	lab.Pause(ctx, between(r, time.Second, 4*time.Second))
	front.restore()
	return lab.WaitFor(ctx, "the programs notice half-open connections to NATS", noticedWithin, func() error {
		if n := front.halfOpen(); n > 0 {
			return fmt.Errorf("%d connections are half-open", n)
		}
		return nil
	})
}

// silenceIngest lets the balancer vanish from a process of ingest, in the middle of
// requests. The balancer has forgotten the connections when it is back.
func silenceIngest(ctx context.Context, d *deployment, _ *sender, r *rand.Rand) error {
	front := d.balancer.backends[r.IntN(len(d.ingests))].front
	front.silence()
	lab.Pause(ctx, between(r, 2*time.Second, 6*time.Second))
	front.restore()
	return nil
}
