package stream

import (
	"errors"
	"sync"

	"github.com/nats-io/nats.go"
)

// maxRefusals bounds the texts that a refusals remembers. A refused subscription has a
// different subject each time.
const maxRefusals = 100

// refusals remembers which refused requests are in the log.
type refusals struct {
	mu     sync.Mutex
	logged map[string]bool
}

// first reports whether text is new since the last reset.
func (r *refusals) first(text string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.logged == nil || len(r.logged) >= maxRefusals {
		r.logged = map[string]bool{}
	}
	seen := r.logged[text]
	r.logged[text] = true
	return !seen
}

func (r *refusals) reset() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.logged = nil
}

// logAsync logs an error that belongs to no call. A missing permission is logged once for
// each connection: every try of a request repeats the error, and ingest, which may not
// create a stream, tries until a worker has created the stream.
func (c *Conn) logAsync(_ *nats.Conn, _ *nats.Subscription, err error) {
	if errors.Is(err, nats.ErrPermissionViolation) && !c.refusals.first(err.Error()) {
		return
	}
	c.log.Warn().Err(err).Msg("NATS error")
}
