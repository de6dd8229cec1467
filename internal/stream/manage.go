package stream

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"
)

// Ensure creates the missing streams. For each property of the running stream that
// differs from s, Ensure returns a line.
func (c *Conn) Ensure(ctx context.Context, s Settings) (differences []string, err error) {
	differences, problems, err := c.ensure(ctx, s)
	return append(differences, problems...), err
}

// ensure creates missing streams and returns two lists: differences, which Apply can
// change, and problems, which NATS refuses to change.
func (c *Conn) ensure(ctx context.Context, s Settings) (differences, problems []string, err error) {
	s = s.withDefaults()
	running, err := c.ensureStream(ctx, s.stream())
	if err != nil {
		return nil, nil, err
	}
	dead, err := c.ensureStream(ctx, s.deadStream())
	if err != nil {
		return nil, nil, err
	}
	return diff(running, s.stream()), append(problemsOf(running), problemsOf(dead)...), nil
}

func (c *Conn) ensureStream(ctx context.Context, want jetstream.StreamConfig) (jetstream.StreamConfig, error) {
	st, err := c.js.Stream(ctx, want.Name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		st, err = c.js.CreateStream(ctx, want)
		if errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) { // another process was faster
			st, err = c.js.Stream(ctx, want.Name)
		}
	}
	if err != nil {
		return jetstream.StreamConfig{}, fmt.Errorf("ensure stream %s: %w", want.Name, c.refused(err))
	}
	return st.CachedInfo().Config, nil
}

// Apply changes the running streams to the values of s. Unless less is true, Apply
// refuses fewer replicas or a shorter age than a running stream has, and a size below
// what the stream stores: it changes nothing and returns ErrLess. A forgotten setting has
// its default.
func (c *Conn) Apply(ctx context.Context, s Settings, less bool) error {
	s = s.withDefaults()
	if !less {
		if err := c.refuseLess(ctx, s); err != nil {
			return err
		}
	}
	for _, cfg := range []jetstream.StreamConfig{s.stream(), s.deadStream()} {
		if st, err := c.js.Stream(ctx, cfg.Name); err == nil {
			// NATS refuses to switch DenyDelete off, and with it every other change.
			cfg.DenyDelete = st.CachedInfo().Config.DenyDelete
		}
		if _, err := c.js.CreateOrUpdateStream(ctx, cfg); err != nil {
			return fmt.Errorf("apply settings to stream %s: %w", cfg.Name, err)
		}
	}
	return nil
}
