package stream

import (
	"context"
	"errors"

	"github.com/nats-io/nats.go/jetstream"
)

// ErrNoDeadStream reports that the stream of dead letters is missing. That is not the
// same as a stream without dead letters: somebody has deleted the stream, and the dead
// letters with it.
var ErrNoDeadStream = errors.New("stream " + DeadName + " is missing, with its dead letters: a running worker recreates the stream within seconds; " +
	"without a worker, run cioctl stream apply")

// lookUpDead is lookUp for the stream of dead letters, and returns ErrNoDeadStream for
// a missing stream.
func (c *Conn) lookUpDead(ctx context.Context) (jetstream.Stream, error) {
	st, err := c.lookUp(ctx, DeadName)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil, ErrNoDeadStream
	}
	return st, err
}

// problemsOf returns a sentence for each property of a running stream that breaks a
// promise and that NATS refuses to change.
func problemsOf(running jetstream.StreamConfig) []string {
	if running.DenyDelete {
		return []string{denyDelete(running.Name)}
	}
	return []string{}
}

// denyDelete describes a stream that was created with DenyDelete, as c826c92 did.
// nats-server answers 10052 to an update of the property and 10057 to a deletion.
func denyDelete(name string) string {
	return "stream " + name + " refuses the deletion of messages (DenyDelete), so nobody can erase personal data in it, " +
		"and NATS cannot change DenyDelete of a running stream: recreate the stream as docs/operations.md says under \"A stream that refuses deletion\""
}
