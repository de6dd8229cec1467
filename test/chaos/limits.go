package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/cioevents/cioevents/test/lab"
)

// Limits of the account. The programs are configured to need no more, as an operator of
// such an account configures them.
const (
	maxAckPending = 1_000
	deadMaxBytes  = "64MiB"
)

// limitAccount limits what the account may use, and restarts the workers under the
// limit: the workers open their consumers and look for their streams again.
func limitAccount(ctx context.Context, d *deployment, s *sender, r *rand.Rand) error {
	limits, err := d.randomLimits(ctx, r)
	if err != nil {
		return err
	}
	d.cluster.accounts.limits = limits
	if err := d.cluster.reload(ctx); err != nil {
		return err
	}
	err = restartWorkers(ctx, d, s, r)
	lab.Pause(ctx, between(r, time.Second, 4*time.Second))
	d.cluster.accounts.limits = unlimited
	return errors.Join(err, d.cluster.reload(ctx), d.recovers(ctx, "worker"))
}

// randomLimits returns a limit of unacknowledged messages, the duty to limit each new
// stream, or a limit of the disk that is reached.
func (d *deployment) randomLimits(ctx context.Context, r *rand.Rand) (string, error) {
	switch r.IntN(3) {
	case 0:
		return fmt.Sprintf("{ max_ack_pending: %d }", maxAckPending), nil
	case 1:
		return "{ max_bytes_required: true }", nil
	}
	limited, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	info, err := d.client.JetStream.AccountInfo(limited)
	if err != nil {
		return "", fmt.Errorf("%w: NATS does not answer", errNotPossible)
	}
	return fmt.Sprintf("{ max_store: %d }", max(info.Store, 1)), nil
}
