package stream

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/rs/zerolog"
)

// restore creates the missing consumer where it stood.
func (d *Durable) restore(ctx context.Context, p position, revision uint64) error {
	if d.known == nil {
		if err := d.cfg.prepare(ctx); err != nil {
			return err
		}
	}
	at, known := p.settled()
	if !known {
		var err error
		if at, err = d.begin(ctx, p); err != nil {
			return err
		}
	}
	if !d.hasSettled(at) {
		return errSettling
	}
	// The floor is stored first: a worker that dies in between leaves a missing
	// consumer with a floor.
	if now := p.floorAt(at); d.cfg.KeepFloor && (p.floor == nil || !now.equal(p.floor)) {
		err := d.conn.writeFloor(ctx, d.cfg.Name, now, revision)
		if errors.Is(err, ErrStateConflict) {
			return errSettling // another worker was faster
		}
		if err != nil {
			return err
		}
	}
	cfg := d.cfg.consumer()
	startAfter(&cfg, at)
	if _, err := d.conn.js.CreateConsumer(ctx, Name, sign(cfg)); err != nil && !errors.Is(err, jetstream.ErrConsumerExists) {
		return fmt.Errorf("create consumer %s: %w", d.cfg.Name, remedied(err, ""))
	}
	d.report(p, at)
	d.missingSince = time.Time{}
	return d.check(ctx) // another worker may have created it
}

// hasSettled reports whether the consumer can be created now. A new consumer needs no
// wait.
func (d *Durable) hasSettled(at uint64) bool {
	if d.missingSince.IsZero() {
		d.missingSince = time.Now()
	}
	return at == 0 && d.known == nil || time.Since(d.missingSince) >= settle
}

// report logs the creation of a consumer, loudly when somebody had deleted the consumer
// or when a warehouse starts with events of the past.
func (d *Durable) report(p position, at uint64) {
	level, text := zerolog.InfoLevel, "consumer created"
	switch {
	case d.known != nil && !d.known.Stream.Equal(p.stream):
		level, text = zerolog.ErrorLevel, "the stream was created again: the consumer starts with the first event of the new stream"
	case p.floor != nil && !p.floor.Replaces.IsZero():
		level, text = zerolog.WarnLevel, "consumer created where an operator wants it"
	case d.known != nil || at > 0:
		level, text = zerolog.ErrorLevel, "somebody has deleted the consumer: restored where it stood"
	case !d.cfg.KeepFloor && p.last > 0:
		level, text = zerolog.WarnLevel, "consumer created: it starts with the oldest event; a warehouse keeps the events that it has as they are"
	}
	d.conn.log.WithLevel(level).Str("consumer", d.cfg.Name).Uint64("after", at).Msg(text)
}

// begin returns the floor of a consumer without a floor, or the error of a consumer that
// stands still.
func (d *Durable) begin(ctx context.Context, p position) (uint64, error) {
	if !d.cfg.KeepFloor {
		return 0, nil
	}
	isNew, err := d.isNew(ctx)
	if err != nil || isNew && !p.copied {
		return 0, err
	}
	info, err := d.conn.peek(ctx, d.cfg.Subjects, func(cfg *jetstream.ConsumerConfig) { cfg.DeliverPolicy = jetstream.DeliverAllPolicy })
	if err != nil {
		return 0, err
	}
	if info.NumPending == 0 { // nothing to start over
		return p.last, nil
	}
	if d.missingSince.IsZero() {
		d.missingSince = time.Now()
	}
	if time.Since(d.missingSince) < settle { // the worker that created the bucket may be writing floors
		return 0, errSettling
	}
	return 0, d.hold(ctx, fmt.Sprintf("%s does not know how far the consumer has come, and %d events are stored; to choose where it begins, run", StateName, info.NumPending), d.startCommand(p))
}

// isNew reports whether the consumer never existed. Each worker stores the floor before
// the worker creates the consumer, and a bucket with floorsKey had all floors. So nobody
// has written a missing floor that nobody has deleted.
func (d *Durable) isNew(ctx context.Context) (bool, error) {
	_, _, err := d.state.Get(ctx, floorsKey)
	if errors.Is(err, ErrNoKey) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	deleted, err := d.state.wasDeleted(ctx, floorPrefix+d.cfg.Name)
	return !deleted, err
}

// startCommand returns the operator's command: with the known floor, or with a choice.
func (d *Durable) startCommand(p position) string {
	if !d.cfg.KeepFloor {
		return "nats consumer rm " + Name + " " + d.cfg.Name
	}
	from := "now|beginning|SEQUENCE"
	if at, known := p.settled(); known && at > 0 {
		from = strconv.FormatUint(at+1, 10)
	}
	return "cioctl consumer start " + d.cfg.Name + " --from " + from
}

// heldEvery is the pause between two notes of a consumer that stands still; a note
// lives twice as long.
const heldEvery = 30 * time.Second

// hold returns the error of a consumer that stands still, and leaves a note for cioctl
// status.
func (d *Durable) hold(ctx context.Context, why, command string) error {
	text := why + ": " + command
	if time.Since(d.heldAt) > heldEvery && d.cfg.KeepFloor {
		d.heldAt = time.Now()
		_, _ = d.state.Create(ctx, heldPrefix+d.cfg.Name, []byte(text), 2*heldEvery) // another worker's note will do
	}
	return fmt.Errorf("%w: %s", errStandsStill, text)
}

// heldPrefix is the prefix of notes about consumers that stand still.
const heldPrefix = "held."
