package stream

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/cioevents/cioevents/internal/config"
)

// Declare adds the settings of the connection to the set.
func (c *Config) Declare(s *config.Set) {
	s.String(&c.URL, "NATS_URL", nats.DefaultURL, "NATS servers, comma-separated")
	s.String(&c.Creds, "NATS_CREDS", "", "path of a NATS credentials file")
	s.String(&c.TLSCA, "NATS_TLS_CA", "", "path of the CA certificates that sign the servers' (PEM)")
	s.String(&c.TLSCert, "NATS_TLS_CERT", "", "path of the client certificate (PEM), with its key")
	s.String(&c.TLSKey, "NATS_TLS_KEY", "", "path of the client certificate's key (PEM)")
	s.Check(func() error { return checkAddress(c.URL) })
	s.Check(func() error { return config.Together("NATS_TLS_CERT", c.TLSCert, "NATS_TLS_KEY", c.TLSKey) })
}

// Declare adds the settings of the stream to the set.
func (s *Settings) Declare(set *config.Set) {
	*s = s.withDefaults()
	set.Int(&s.Replicas, "STREAM_REPLICAS", s.Replicas, "copies of the stream: 3 in production, 1 on a single server")
	set.Var((*config.Duration)(&s.MaxAge), "STREAM_MAX_AGE", "how long events are kept, and can be replayed")
	set.Var((*config.Bytes)(&s.MaxBytes), "STREAM_MAX_BYTES", "size at which the stream refuses new events, at least rate × max age × 708 B")
	set.Var((*config.Duration)(&s.DedupWindow), "DEDUP_WINDOW", "how long the stream refuses an id it has seen, 146 B of its memory an id")
	set.Check(func() error {
		if s.Replicas < 1 || s.Replicas > 5 {
			return errors.New("STREAM_REPLICAS: must be from 1 to 5, better 1 or 3")
		}
		return nil
	})
}

// retryWait is the pause between two attempts at what needs the server.
const retryWait = time.Second

// EnsureUntil is Ensure, tried until it succeeds or ctx ends. It logs what
// stands in the way and what differs.
func (c *Conn) EnsureUntil(ctx context.Context, s Settings) error {
	return c.until(ctx, "the stream is not there yet, trying again", func(ctx context.Context) error {
		differences, err := c.Ensure(ctx, s)
		for _, d := range differences {
			c.log.Warn().Str("stream", Name).Msg("running stream differs from the configuration: " + d + "; cioctl stream apply changes it")
		}
		return err
	})
}

// OpenConsumerUntil is OpenConsumer, tried until it succeeds or ctx ends.
func (c *Conn) OpenConsumerUntil(ctx context.Context, name string, subjects []string) (cons *Consumer, err error) {
	err = c.until(ctx, "the consumer cannot be opened, trying again", func(ctx context.Context) error {
		cons, err = c.OpenConsumer(ctx, name, subjects)
		return err
	})
	return cons, err
}

// until calls try until it succeeds or ctx ends. A fault that stays the same is
// logged once.
func (c *Conn) until(ctx context.Context, text string, try func(context.Context) error) error {
	said := ""
	for {
		err := errNotConnected // why is logged where it is known
		if c.nc.IsConnected() {
			err = c.tryOnce(ctx, try)
		}
		if err == nil {
			return nil
		}
		if said != err.Error() {
			said = err.Error()
			c.log.Warn().Err(err).Msg(text)
		}
		select {
		case <-time.After(retryWait):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (c *Conn) tryOnce(ctx context.Context, try func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	return try(ctx)
}
