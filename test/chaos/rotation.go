package main

import (
	"context"
	"errors"
	"math/rand/v2"
	"strconv"
	"syscall"
	"time"

	"github.com/cioevents/cioevents/test/lab"
)

// rotate returns a fault that changes the password of a user: on the servers first, in
// the programs first, or on the servers for a while only. Between the two changes NATS
// refuses the programs. Afterwards the programs must recover by themselves.
func rotate(user string) func(context.Context, *deployment, *sender, *rand.Rand) error {
	return func(ctx context.Context, d *deployment, _ *sender, r *rand.Rand) error {
		old := d.cluster.accounts.passwords[user]
		servers := func() error { return d.cluster.reload(ctx) }
		programs := func() error { return d.rollOut(ctx, user) }
		steps := [][]func() error{
			{servers, programs},
			{programs, servers},
			{servers, func() error {
				d.cluster.accounts.passwords[user] = old
				return d.cluster.reload(ctx)
			}},
		}[r.IntN(3)]
		d.cluster.accounts.passwords[user] = user + "-" + strconv.Itoa(r.IntN(1_000_000))
		for _, step := range steps {
			if err := step(); err != nil {
				return err
			}
			lab.Pause(ctx, between(r, time.Second, 5*time.Second))
		}
		return d.recovers(ctx, user)
	}
}

// reload writes the accounts, and lets one server after another read them.
func (c *cluster) reload(ctx context.Context) error {
	if err := c.accounts.write(); err != nil {
		return err
	}
	for _, i := range c.members() {
		c.server(i).Signal(syscall.SIGHUP)
		lab.Pause(ctx, 200*time.Millisecond)
	}
	return nil
}

// rollOut restarts the programs of a user with the present password. A program may be
// refused by NATS and must start all the same.
func (d *deployment) rollOut(ctx context.Context, user string) error {
	for _, p := range d.of(user) {
		p.Env["NATS_URL"] = d.cluster.url(user)
	}
	if user == "ingest" {
		for i, p := range d.ingests {
			if err := d.restart(ctx, i, p.StartListening); err != nil {
				return err
			}
		}
		return nil
	}
	for _, p := range d.workers {
		p.Stop()
		if err := p.Start(); err != nil {
			return err
		}
	}
	return nil
}

// of returns the processes of a user.
func (d *deployment) of(user string) []*lab.Process {
	if user == "ingest" {
		return d.ingests[:]
	}
	return d.workers[:]
}

// recoverWithin is how soon the programs of a user must be ready after a fault.
const recoverWithin = 10 * time.Second

// recovers waits until the programs of a user are ready. It restarts the programs that
// do not recover, as an operator would have to.
func (d *deployment) recovers(ctx context.Context, user string) error {
	limited, cancel := context.WithTimeout(ctx, recoverWithin)
	defer cancel()
	var list []error
	for _, p := range d.of(user) {
		err := lab.WaitFor(limited, p.Name+" has recovered by itself", recoverWithin, func() error { return p.Ready(ctx) })
		if err == nil {
			continue
		}
		p.Stop()
		list = append(list, err, p.Start())
	}
	return errors.Join(list...)
}
