package stream

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// settle is how long a deletion must be over before the consumer is created again.
// nats-server 2.15.2 deletes the folder of a consumer later than the consumer: a
// consumer that was created within milliseconds lost its folder in 5 of 12 tries, and
// was gone after a restart of the server.
const settle = 3 * time.Second

var (
	errSettling    = errors.New("the consumer is missing; waiting until its deletion has settled")
	errStandsStill = errors.New("stands still")
	errPrepared    = errors.New("bucket " + StateName + " was missing")
)

// isHeld reports whether nothing may be fetched after a check with the error. After
// other errors, such as a request without an answer, fetching goes on.
func isHeld(err error) bool { return errors.Is(err, errStandsStill) || errors.Is(err, errSettling) }

// check compares the consumer with the floor and the wanted configuration, and restores
// the consumer.
func (d *Durable) check(ctx context.Context) error {
	p, revision, err := d.look(ctx)
	if err != nil {
		return err
	}
	if p.noState != nil && p.have == nil {
		return p.noState
	}
	what, at := p.judge()
	if p.have != nil {
		d.missingSince = time.Time{}
	}
	switch what {
	case createConsumer, judgeMissing:
		return d.restore(ctx, p, revision)
	case restoredStream:
		return d.hold(ctx, "the stream was restored from a backup without this consumer; to choose where the consumer begins, run", d.startCommand(p))
	case beingReplaced:
		return d.hold(ctx, "an operator replaces the consumer; if the operator's command was interrupted, run", d.startCommand(p))
	case foreignStart:
		return d.hold(ctx, "somebody has created the consumer with another start; to go on, run", d.startCommand(p))
	case keepConsumer, resetConsumer, adoptConsumer:
	}
	if why := isUnusable(p.have.Config); why != "" {
		return d.hold(ctx, "somebody has created the consumer, and "+why+"; to go on, run", d.startCommand(p))
	}
	return d.use(ctx, p, what, at, revision)
}

// look reads the position: the stream, the floor and the consumer.
func (d *Durable) look(ctx context.Context) (p position, revision uint64, err error) {
	st, err := d.conn.lookUp(ctx, Name)
	if err != nil {
		return p, 0, err
	}
	info := st.CachedInfo()
	p.stream, p.last, p.copied = info.Created, info.State.LastSeq, d.cfg.KeepFloor && isCopied(info)
	p.floor, p.seen = d.known, d.known
	if d.cfg.KeepFloor {
		p.floor, revision, p.noState = d.conn.readFloor(ctx, d.cfg.Name)
		if errors.Is(p.noState, ErrNoState) {
			if p.noState = d.cfg.Prepare(ctx); p.noState == nil {
				return p, 0, errPrepared
			}
		}
	}
	p.have, err = d.conn.consumerInfo(ctx, d.cfg.Name)
	return p, revision, err
}

// consumerInfo returns the state of a consumer, nil for a missing consumer.
func (c *Conn) consumerInfo(ctx context.Context, name string) (*jetstream.ConsumerInfo, error) {
	cons, err := c.js.Consumer(ctx, Name, name)
	if errors.Is(err, jetstream.ErrNotPullConsumer) {
		push, err := c.js.PushConsumer(ctx, Name, name)
		if err != nil {
			return nil, fmt.Errorf("look up consumer %s: %w", name, err)
		}
		return push.CachedInfo(), nil
	}
	if errors.Is(err, jetstream.ErrConsumerNotFound) {
		return nil, nil //nolint:nilnil // a missing consumer is an answer
	}
	if err != nil {
		return nil, fmt.Errorf("look up consumer %s: %w", name, err)
	}
	return cons.CachedInfo(), nil
}

// use gives the consumer the right position and properties, and opens the consumer.
func (d *Durable) use(ctx context.Context, p position, what verdict, at, revision uint64) error {
	edited, err := d.configure(ctx, p.have.Config)
	if err != nil {
		return err
	}
	if edited && p.best() != nil && p.best().Stream.Equal(p.stream) {
		// With other properties the consumer may have passed over messages, or
		// dropped messages.
		what = resetConsumer
		at, _ = p.settled()
	}
	if what == resetConsumer {
		if _, err := d.conn.js.ResetConsumerToSequence(ctx, Name, d.cfg.Name, at+1); err != nil {
			return fmt.Errorf("reset consumer %s: %w", d.cfg.Name, err)
		}
		d.conn.log.Error().Str("consumer", d.cfg.Name).Uint64("after", at).
			Msg("consumer was moved or edited by somebody: set back to where it stood")
	}
	return d.open(ctx, p, at, revision)
}

// configure sets the properties of the consumer back, and reports whether somebody has
// edited the properties. Signed properties are the work of another worker.
func (d *Durable) configure(ctx context.Context, have jetstream.ConsumerConfig) (edited bool, err error) {
	want := d.cfg.consumer()
	changes := changedConfig(have, want)
	running := d.known != nil
	switch {
	case isSigned(have) && (running || len(changes) == 0):
		return false, nil // by this worker, or by another with other settings
	case !isSigned(have):
		edited = len(changes) > 0 && (running || have.Metadata[metaConfig] != "")
	}
	if _, err := d.conn.js.UpdateConsumer(ctx, Name, setBack(have, want)); err != nil {
		return false, fmt.Errorf("set consumer %s back (%s): %w", d.cfg.Name, strings.Join(changes, "; "), remedied(err, ""))
	}
	if edited {
		d.conn.log.Error().Str("consumer", d.cfg.Name).Strs("changes", changes).Msg("somebody has edited the consumer: properties set back")
	}
	return edited, nil
}

// floorAt returns the floor of this stream with a sequence.
func (p position) floorAt(sequence uint64) *floor {
	f := &floor{Stream: p.stream, Sequence: sequence}
	if p.floor != nil {
		f.Started = p.floor.Started
	}
	return f
}

// open lets Fetch use the consumer, and stores the floor. Without the bucket the consumer
// works, too, because an existing consumer knows its position; the error is returned.
func (d *Durable) open(ctx context.Context, p position, at, revision uint64) error {
	now := p.floorAt(at)
	if d.cfg.KeepFloor && p.noState == nil && (p.floor == nil || !now.equal(p.floor)) {
		switch err := d.conn.writeFloor(ctx, d.cfg.Name, now, revision); {
		case errors.Is(err, ErrStateConflict):
			now = p.floor // another worker was faster; the next check reads its floor
		case err != nil:
			p.noState = err // the consumer is right, and the next check tries again
		}
	}
	if now == nil {
		return errPrepared
	}
	if d.known != nil && !d.known.Started.Equal(now.Started) { // an operator wants repetitions
		d.settled.clear()
	}
	d.known = now
	d.floor.Store(now.Sequence)
	if d.opened() != nil {
		return p.noState
	}
	cons, err := d.conn.js.Consumer(ctx, Name, d.cfg.Name)
	if err != nil {
		return fmt.Errorf("open consumer %s: %w", d.cfg.Name, err)
	}
	d.mu.Lock()
	d.cons = &Consumer{name: d.cfg.Name, nc: d.conn.nc, consumer: cons}
	d.mu.Unlock()
	return p.noState
}

func (cfg DurableConfig) prepare(ctx context.Context) error {
	if cfg.Prepare == nil {
		return nil
	}
	return cfg.Prepare(ctx)
}

// consumer returns the configuration of a new consumer.
func (cfg DurableConfig) consumer() jetstream.ConsumerConfig {
	consumer := consumerConfig(cfg.Name, filters(cfg.Subjects, redrivePrefix+cfg.Name+".>"))
	consumer.MaxAckPending = cmp.Or(cfg.MaxAckPending, consumer.MaxAckPending)
	return consumer
}
