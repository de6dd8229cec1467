package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/cioevents/cioevents/internal/customerio/customeriotest"
	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/test/lab"
)

// durables names the consumers that the workers create.
var durables = [consumers]string{"suppression", "engagement", "warehouse", "warehouse-duckdb"}

// askWithin bounds each request that changes NATS.
const askWithin = 3 * time.Second

// deleteConsumer deletes a consumer while the workers run, as somebody with the tool of
// NATS does.
func deleteConsumer(ctx context.Context, d *deployment, _ *sender, r *rand.Rand) error {
	limited, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	if err := d.client.JetStream.DeleteConsumer(limited, stream.Name, durables[r.IntN(consumers)]); err != nil {
		return fmt.Errorf("%w: NATS does not delete the consumer", errNotPossible)
	}
	lab.Pause(ctx, between(r, 2*time.Second, 6*time.Second))
	return nil
}

// editConsumer gives a consumer a limit of one delivery, or a wait that is shorter than
// the time that a batch takes. The workers must set the consumer back.
func editConsumer(ctx context.Context, d *deployment, _ *sender, r *rand.Rand) error {
	limited, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	cons, err := d.client.JetStream.Consumer(limited, stream.Name, durables[r.IntN(consumers)])
	if err == nil {
		cfg := cons.CachedInfo().Config
		if r.IntN(2) == 0 {
			cfg.MaxDeliver = 1
		} else {
			cfg.AckWait = between(r, 100*time.Millisecond, time.Second)
		}
		_, err = d.client.JetStream.UpdateConsumer(limited, stream.Name, cfg)
	}
	if err != nil {
		return fmt.Errorf("%w: NATS does not edit the consumer", errNotPossible)
	}
	lab.Pause(ctx, between(r, 2*time.Second, 6*time.Second))
	return nil
}

// recreatedWithin bounds the wait for the stream of dead letters.
const recreatedWithin = 30 * time.Second

// deleteDeadLetters deletes the stream of dead letters, which the workers recreate. The
// sender waits with bodies that are not JSON, and the dead letters in the stream are
// read before: only this stream can be deleted without a loss. The events themselves
// are only in the other stream.
func deleteDeadLetters(ctx context.Context, d *deployment, s *sender, _ *rand.Rand) error {
	if d.cfg.Limit > 0 {
		return fmt.Errorf("%w: held suppressions would be lost", errNotPossible)
	}
	if err := s.withoutOdd(func() error { return d.takeDeadLetters(ctx) }); err != nil {
		return err
	}
	return lab.WaitFor(ctx, "the stream of dead letters is recreated", recreatedWithin, func() error {
		_, err := d.client.JetStream.Stream(ctx, stream.DeadName)
		return err
	})
}

// takeDeadLetters reads all dead letters and deletes their stream.
func (d *deployment) takeDeadLetters(ctx context.Context) error {
	limited, cancel := context.WithTimeout(ctx, askWithin)
	defer cancel()
	var taken []event.DeadLetter
	err := d.client.TailDeadLetters(limited, stream.Selection{}, func(l event.StoredDeadLetter) bool {
		taken = append(taken, l.DeadLetter)
		return true
	})
	if err != nil {
		return fmt.Errorf("%w: NATS does not answer", errNotPossible)
	}
	d.dead = append(d.dead, taken...) // A body that is read twice counts once.
	err = d.client.JetStream.DeleteStream(limited, stream.DeadName)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil // An attempt whose answer was lost.
	}
	if err != nil {
		return fmt.Errorf("%w: NATS does not delete the stream", errNotPossible)
	}
	return nil
}

// answerAsProxy answers the calls of the Track API as a proxy does that shows a page of
// its own: the calls have no effect.
func answerAsProxy(ctx context.Context, d *deployment, _ *sender, r *rand.Rand) error {
	d.track.Fail(&customeriotest.Fault{
		Status: http.StatusOK, Header: map[string]string{"Content-Type": "text/html"}, Body: "<html><body>Welcome to the proxy</body></html>",
	})
	lab.Pause(ctx, between(r, 2*time.Second, 7*time.Second))
	d.track.Fail(nil)
	return nil
}

func restartWithoutTrack(ctx context.Context, d *deployment, _ *sender, r *rand.Rand) error {
	d.track.Fail(&customeriotest.Fault{Status: http.StatusServiceUnavailable})
	defer d.track.Fail(nil)
	return d.restartOften(ctx, r)
}

func restartWithoutBigQuery(ctx context.Context, d *deployment, _ *sender, r *rand.Rand) error {
	d.bigquery.Stop()
	defer d.bigquery.Restart()
	return d.restartOften(ctx, r)
}

// restarts is how often all workers restart in an outage: more often than maxAttempts.
const restarts = 12

// restartOften restarts all workers by the dozen, as an orchestrator does when nothing
// works. Each restart delivers messages that no worker handles.
func (d *deployment) restartOften(ctx context.Context, r *rand.Rand) error {
	for range restarts {
		for _, p := range d.workers {
			p.Kill()
			if err := p.Start(); err != nil {
				return err
			}
		}
		lab.Pause(ctx, between(r, 400*time.Millisecond, 1200*time.Millisecond))
	}
	return nil
}
