package main

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/cioevents/cioevents/test/lab"
)

// slowNetwork adds latency and loss to all connections between the balancer, ingest,
// the workers and the NATS servers.
func slowNetwork(ctx context.Context, d *deployment, _ *sender, r *rand.Rand) error {
	w := weather{
		delay: between(r, 0, 20*time.Millisecond), jitter: between(r, time.Millisecond, 20*time.Millisecond),
		loss: 0.03 * r.Float64(),
	}
	d.setWeather(w)
	lab.Pause(ctx, between(r, 3*time.Second, 8*time.Second))
	d.setWeather(weather{})
	return nil
}

func (d *deployment) setWeather(w weather) {
	for i, p := range d.cluster.places {
		p.front.set(w)
		for _, route := range d.cluster.routes(i) {
			route.set(w)
		}
	}
	for _, b := range d.balancer.backends {
		b.front.set(w)
	}
}

// stallNetwork lets no byte to or from a NATS server, or a process of ingest, arrive for
// a while. Then all bytes arrive at once: no connection ends.
func stallNetwork(ctx context.Context, d *deployment, _ *sender, r *rand.Rand) error {
	i := d.cluster.random(r)
	list := append(d.cluster.routes(i), d.cluster.places[i].front)
	if r.IntN(3) == 0 {
		list = []*proxy{d.balancer.backends[r.IntN(len(d.ingests))].front}
	}
	long := between(r, time.Second, 6*time.Second)
	for _, p := range list {
		p.set(weather{stall: time.Now().Add(long)})
	}
	lab.Pause(ctx, long)
	for _, p := range list {
		p.set(weather{})
	}
	return nil
}
