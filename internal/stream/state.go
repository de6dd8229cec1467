package stream

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// StateName is the key-value bucket beside the stream, for the knowledge that workers
// share and keep after a restart.
const StateName = "CIOEVENTS_STATE"

// stateMaxBytes bounds the bucket. A floor has some 200 bytes, so the bucket has room
// for 80,000 floors. A full bucket refuses new values.
const stateMaxBytes = 16 << 20

// stateTimeout bounds each operation on the bucket.
const stateTimeout = 3 * time.Second

// deletedTTL is how long the trace of a deleted key takes up room in the bucket.
const deletedTTL = time.Hour

// Errors of State. All other errors are transient: NATS is unreachable.
var (
	// ErrNoState reports that the bucket does not exist. A worker creates the bucket.
	ErrNoState = errors.New("bucket " + StateName + " is not there")
	// ErrNoKey reports that a key has no value.
	ErrNoKey = errors.New("key has no value")
	// ErrStateConflict reports that another process has changed the key: Create found
	// a value, or Update found another revision.
	ErrStateConflict = errors.New("key was changed by another process")
)

// State is the bucket CIOEVENTS_STATE: small values that all workers share. The bucket
// keeps the last value of each key. A key consists of letters, digits, '-', '_', '/', '=' and
// '.'; a caller hashes other text, and never stores an address. Each operation ends
// within 3 s. A State is safe for concurrent use and costs nothing before its first
// operation.
type State struct {
	conn *Conn

	mu sync.Mutex
	kv jetstream.KeyValue // nil until the bucket was found
}

// State returns the bucket. The operations fail with ErrNoState while the bucket does
// not exist.
func (c *Conn) State() *State { return &c.state }

// Get returns the value of a key and the value's revision. The error is ErrNoKey when
// the key has no value. The server's leader answers, so Get returns the last value
// of all processes.
func (s *State) Get(ctx context.Context, key string) (value []byte, revision uint64, err error) {
	err = s.do(ctx, "get", key, func(ctx context.Context, kv jetstream.KeyValue) error {
		entry, err := kv.Get(ctx, key)
		if err == nil {
			value, revision = entry.Value(), entry.Revision()
		}
		return err
	})
	return value, revision, err
}

// Create stores the value of a new key and returns the revision. The error is
// ErrStateConflict when the key has a value. After ttl the server deletes the key; ttl
// is 0 (keep) or at least a second. A later Update or Put keeps the key for good, so a
// reader of updated keys judges the age by the content.
func (s *State) Create(ctx context.Context, key string, value []byte, ttl time.Duration) (revision uint64, err error) {
	err = s.do(ctx, "create", key, func(ctx context.Context, kv jetstream.KeyValue) error {
		revision, err = kv.Create(ctx, key, value, jetstream.KeyTTL(ttl))
		return err
	})
	return revision, err
}

// Update replaces the value with the revision and returns the new revision. The error
// is ErrStateConflict when the revision is not the last one.
func (s *State) Update(ctx context.Context, key string, value []byte, revision uint64) (updated uint64, err error) {
	err = s.do(ctx, "update", key, func(ctx context.Context, kv jetstream.KeyValue) error {
		updated, err = kv.Update(ctx, key, value, revision)
		return err
	})
	return updated, err
}

// Put stores a value, whether or not the key has one.
func (s *State) Put(ctx context.Context, key string, value []byte) error {
	return s.do(ctx, "put", key, func(ctx context.Context, kv jetstream.KeyValue) error {
		_, err := kv.Put(ctx, key, value)
		return err
	})
}

// PutFor stores a value, whether or not the key has one. After ttl, at least a second, the
// server deletes the key without a trace.
func (s *State) PutFor(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	return s.do(ctx, "put", key, func(ctx context.Context, _ jetstream.KeyValue) error {
		_, err := s.conn.js.Publish(ctx, stateSubject+key, value, jetstream.WithMsgTTL(ttl), jetstream.WithExpectStream(stateStream))
		return err
	})
}

// Delete deletes a key and its value from the disk. A key without a value is no error.
func (s *State) Delete(ctx context.Context, key string) error {
	return s.do(ctx, "delete", key, func(ctx context.Context, kv jetstream.KeyValue) error {
		return kv.Purge(ctx, key, jetstream.PurgeTTL(deletedTTL))
	})
}

// do runs an operation on the bucket.
func (s *State) do(ctx context.Context, verb, key string, op func(context.Context, jetstream.KeyValue) error) error {
	ctx, cancel := context.WithTimeout(ctx, stateTimeout)
	defer cancel()
	kv, err := s.bucket(ctx)
	if err == nil {
		err = op(ctx, kv)
	}
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s key %s: %w", verb, key, s.conn.refused(stateError(err)))
}

// refused explains a request without an answer: the server reports a missing permission
// apart from the request, as the last error of the connection.
func (c *Conn) refused(err error) error {
	if last := c.nc.LastError(); errors.Is(err, context.DeadlineExceeded) && errors.Is(last, nats.ErrPermissionViolation) {
		return fmt.Errorf("%w; %w", err, last)
	}
	return err
}

// bucket returns the bucket and looks the bucket up before the first use.
func (s *State) bucket(ctx context.Context) (jetstream.KeyValue, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.kv != nil {
		return s.kv, nil
	}
	kv, err := s.conn.js.KeyValue(ctx, StateName)
	if err == nil {
		s.kv = kv
	}
	return kv, err
}

func stateError(err error) error {
	switch {
	case errors.Is(err, jetstream.ErrBucketNotFound), errors.Is(err, jetstream.ErrStreamNotFound), errors.Is(err, jetstream.ErrNoStreamResponse):
		return fmt.Errorf("%w: %w", ErrNoState, err)
	case errors.Is(err, jetstream.ErrKeyNotFound):
		return ErrNoKey
	case errors.Is(err, jetstream.ErrKeyExists), errors.Is(err, jetstream.ErrKeyRevisionMismatch):
		return fmt.Errorf("%w: %w", ErrStateConflict, err)
	default:
		return err
	}
}
