package stream

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"
)

// Ensure creates the missing streams. For each property of the running streams that
// differs from s, Ensure returns a sentence.
func (c *Conn) Ensure(ctx context.Context, s Settings) (problems []string, err error) {
	s = s.withDefaults()
	for _, want := range []jetstream.StreamConfig{s.stream(), s.deadStream()} {
		running, err := c.ensureStream(ctx, want)
		if err != nil {
			return nil, err
		}
		problems = append(problems, texts(problemsOf(running.Config, want))...)
	}
	return problems, nil
}

// ensureStream creates the missing stream, and returns the state of the stream.
func (c *Conn) ensureStream(ctx context.Context, want jetstream.StreamConfig) (*jetstream.StreamInfo, error) {
	st, err := c.js.Stream(ctx, want.Name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		st, err = c.js.CreateStream(ctx, want)
		if errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) { // another process was faster
			st, err = c.js.Stream(ctx, want.Name)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("ensure stream %s: %w", want.Name, remedied(c.refused(err), sizeSetting(want.Name)))
	}
	return st.CachedInfo(), nil
}

// Apply changes the running streams to the values of s, and sets back the properties that
// somebody has edited, as far as NATS changes them; Status names the others. Unless less
// is true, Apply refuses fewer replicas, a shorter age or a shorter window than a running
// stream has, and a size below what the stream stores: it changes nothing and returns
// ErrLess. A forgotten setting has its default. Apply also creates the missing bucket of erased persons.
func (c *Conn) Apply(ctx context.Context, s Settings, less bool) error {
	s = s.withDefaults()
	if !less {
		if err := c.refuseLess(ctx, s); err != nil {
			return err
		}
	}
	for _, want := range []jetstream.StreamConfig{s.stream(), s.deadStream()} {
		if err := c.applyStream(ctx, want); err != nil {
			return fmt.Errorf("apply settings to stream %s: %w", want.Name, remedied(err, sizeSetting(want.Name)))
		}
	}
	_ = c.State().Delete(ctx, settingsKey) // otherwise the note ends by its age
	return c.CreateErased(ctx)
}

func (c *Conn) applyStream(ctx context.Context, want jetstream.StreamConfig) error {
	have, err := c.running(ctx, want.Name)
	switch {
	case err != nil:
		return err
	case have == nil:
		_, err = c.js.CreateStream(ctx, want)
	case !have.Config.Sealed: // NATS changes nothing of a sealed stream
		_, err = c.js.UpdateStream(ctx, applied(have.Config, want))
	}
	return err
}
