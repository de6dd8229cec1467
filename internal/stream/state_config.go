package stream

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"
)

// stateStream is the name of the stream that stores the bucket.
const stateStream = "KV_" + StateName

// stateSubject is the prefix of the subjects of keys.
const stateSubject = "$KV." + StateName + "."

// stateStream returns the stream of the bucket as nats.go creates it (ADR-8 of NATS),
// with two differences. AllowDirect is off: any replica could answer a direct get,
// with an old value. DenyDelete is off: a deleted key leaves the disk.
func (s Settings) stateStream() jetstream.StreamConfig {
	cfg := s.base(stateStream, "What cioevents' workers remember: positions of consumers, counters")
	cfg.Subjects = []string{stateSubject + ">"}
	cfg.MaxMsgsPerSubject = 1
	cfg.MaxBytes = stateMaxBytes
	cfg.AllowRollup = true
	// A Create with a TTL needs AllowMsgTTL.
	cfg.AllowMsgTTL = true
	return cfg
}

// CreateState creates the missing bucket, and reports whether this call has created the
// bucket.
func (c *Conn) CreateState(ctx context.Context, s Settings) (created bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, stateTimeout)
	defer cancel()
	_, err = c.js.Stream(ctx, stateStream)
	if !errors.Is(err, jetstream.ErrStreamNotFound) {
		return false, wrapState(c.refused(err))
	}
	_, err = c.js.CreateStream(ctx, s.withDefaults().stateStream())
	if errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) { // another process was faster
		return false, nil
	}
	return err == nil, wrapState(c.refused(err))
}

func wrapState(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("ensure bucket %s: %w", StateName, remedied(err, "the bucket's size"))
}
