package workerapp

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/cioevents/cioevents/internal/stream"
)

// The pauses between two checks of the workers' bucket: after a success, and after an
// error.
const (
	stateCheckEvery = 30 * time.Second
	stateRetryEvery = time.Second
)

// probeKey is written at each check, because only a write proves that the worker may
// write.
const probeKey = "probe"

var errStateUnchecked = errors.New("not checked yet")

// keepState creates the workers' bucket and creates it again when somebody has deleted
// it, until ctx ends. keepState closes checked after the first check, whatever the
// result: without the bucket the worker handles events of existing consumers, but makes
// no decision that must survive a restart.
func (a *App) keepState(ctx context.Context, checked chan<- struct{}) {
	last := ""
	first := sync.OnceFunc(func() { close(checked) })
	defer first()
	for ctx.Err() == nil {
		err := a.checkState(ctx)
		a.stateErr.Store(&err)
		first()
		wait := stateCheckEvery
		if err != nil {
			wait = stateRetryEvery
		}
		switch text := fmt.Sprint(err); {
		case err == nil:
			last = ""
		case text != last && ctx.Err() == nil:
			last = text
			a.Log.Warn().Err(err).Msg("workers' bucket not usable, retrying")
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
		}
	}
}

func (a *App) checkState(ctx context.Context) error {
	if err := a.prepareState(ctx); err != nil {
		return err
	}
	if err := a.Conn.State().Put(ctx, probeKey, []byte(time.Now().UTC().Format(time.RFC3339))); err != nil {
		return fmt.Errorf("write to bucket %s: %w", stream.StateName, err)
	}
	consumers := []*stream.Durable{}
	for _, j := range a.jobs {
		consumers = append(consumers, j.source)
	}
	return a.Conn.NoteSettings(ctx, consumers...)
}

// ready returns nil when the worker can use the stream, the workers' bucket and all
// consumers. A stream of dead letters that NATS refuses to create is a mistake in a
// setting, which a rollout should notice. A missing stream is a note otherwise.
func (a *App) ready(ctx context.Context) error {
	if err := a.Conn.Ready(ctx); err != nil {
		return err
	}
	if err := a.stateErr.Load(); err != nil && *err != nil {
		return fmt.Errorf("the worker's user needs the permissions of deploy/k8s/base/nats/accounts.conf: %w", *err)
	}
	for _, j := range a.jobs {
		if err := j.source.Ready(); err != nil {
			return err
		}
	}
	return a.Conn.Refused()
}
