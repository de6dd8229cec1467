package stream

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// keepEvery is the pause between two looks at the streams. Without the stream of events
// ingest answers 503 to every call, and without the stream of dead letters to a signed
// body that it cannot parse; Customer.io then holds back every later event. A look is
// two small requests.
const keepEvery = 2 * time.Second

// missingEvery is the pause while a stream is missing.
const missingEvery = 500 * time.Millisecond

// errNoStream reports that the stream of events is missing.
var errNoStream = errors.New("stream " + Name + " is missing, with its events: a running worker recreates the stream within seconds; without a worker, run cioctl stream apply")

// errOtherAccount reports that both streams are missing since a reconnect.
var errOtherAccount = errors.New("streams " + Name + " and " + DeadName + " are missing since the last reconnect: " +
	"NATS_URL or the credentials lead to another server, account or JetStream domain, or the server has lost its data. " +
	"Nothing is created there. If the place is right, restore the backup, or run cioctl stream apply to begin with empty streams")

// A keeper looks after the streams while the program runs.
type keeper struct {
	conn *Conn
	// want is the wanted configuration, by stream.
	want map[string]jetstream.StreamConfig
	// connection is the number of reconnects at the last look that found the stream of
	// events.
	connection uint64
	// created has the time of creation of each stream at the last look.
	created map[string]time.Time
	// missingSince is the time of the first look that did not find a stream.
	missingSince map[string]time.Time
}

// KeepStreams watches the streams until ctx ends. It compares their properties with s,
// and recreates a stream that somebody has deleted. The caller has found the stream of
// events before. While a stream is missing or wrong, Ready or Notes says so.
func (c *Conn) KeepStreams(ctx context.Context, s Settings) {
	s = s.withDefaults()
	k := keeper{
		conn: c, connection: c.nc.Stats().Reconnects, created: map[string]time.Time{}, missingSince: map[string]time.Time{},
		want: map[string]jetstream.StreamConfig{Name: s.stream(), DeadName: s.deadStream()},
	}
	for {
		wait := keepEvery
		if len(k.missingSince) > 0 {
			wait = missingEvery
		}
		select {
		case <-time.After(wait):
			if c.nc.IsConnected() {
				_ = c.tryOnce(ctx, k.look) // an error changes nothing: the streams may be there
			}
		case <-ctx.Done():
			return
		}
	}
}

// look looks at both streams once. Without the stream of events the keeper creates no
// stream of dead letters: the latter proves that the account is the right one.
func (k *keeper) look(ctx context.Context) error {
	events, err := k.conn.running(ctx, Name)
	if err != nil {
		return err
	}
	dead, err := k.conn.running(ctx, DeadName)
	if err != nil {
		return err
	}
	if events != nil {
		k.connection = k.conn.nc.Stats().Reconnects
	} else if dead == nil && k.connection != k.conn.nc.Stats().Reconnects {
		k.conn.health.isMissing(Name, errOtherAccount)
		return nil
	}
	if err := k.keep(ctx, Name, events, errNoStream); err != nil || events == nil {
		return err
	}
	return k.keep(ctx, DeadName, dead, ErrNoDeadStream)
}

// keep compares a stream, or recreates the missing stream. have is nil for a missing
// stream.
func (k *keeper) keep(ctx context.Context, name string, have *jetstream.StreamInfo, missing error) error {
	if have != nil {
		k.found(name, have)
		return nil
	}
	if k.missingSince[name].IsZero() {
		k.noticeLoss(name, missing)
	}
	// The server deletes the files of a stream later than the stream.
	if time.Since(k.missingSince[name]) < settle {
		return nil
	}
	created, err := k.conn.ensureStream(ctx, k.want[name])
	if err != nil {
		k.conn.health.isMissing(name, fmt.Errorf("%w; not recreated: %w", missing, err))
		return err
	}
	k.found(name, created)
	return nil
}

// noticeLoss notes the first look without a stream. A stream that could not be created
// at the start has never existed.
func (k *keeper) noticeLoss(name string, missing error) {
	k.missingSince[name] = time.Now()
	if k.conn.health.whyMissing(name) != nil {
		return
	}
	k.conn.health.isMissing(name, missing)
	if k.created[name].IsZero() {
		k.created[name] = k.missingSince[name]
	}
}

// found compares a running stream with the last look and with the configuration. A
// missing answer, such as during an election, is no deletion: the time of creation tells.
func (k *keeper) found(name string, info *jetstream.StreamInfo) {
	if last := k.created[name]; !last.IsZero() && !last.Equal(info.Created) {
		k.conn.health.isRecreated(name, lossOf[name])
	}
	k.created[name] = info.Created
	delete(k.missingSince, name)
	k.conn.health.isThere(name, problemsOf(info.Config, k.want[name]))
}

// lossOf says what a deleted stream has cost.
var lossOf = map[string]string{
	Name:     "missing stream of events recreated: the events that were in it are lost, handled or not, and every consumer starts with the first new event",
	DeadName: "missing stream of dead letters recreated: the dead letters that were in it are lost",
}

// running returns the state of a running stream, nil for a missing stream.
func (c *Conn) running(ctx context.Context, name string) (*jetstream.StreamInfo, error) {
	st, err := c.lookUp(ctx, name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil, nil //nolint:nilnil // a missing stream is an answer
	}
	if err != nil {
		return nil, err
	}
	return st.CachedInfo(), nil
}
