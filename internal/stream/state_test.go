package stream_test

import (
	"errors"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/stream/streamtest"
)

// createdState returns the bucket of a new server.
func createdState(t *testing.T) *stream.State {
	t.Helper()
	conn := streamtest.Start(t).Connect(stream.Settings{})
	if created, err := conn.CreateState(t.Context(), stream.Settings{}); err != nil || !created {
		t.Fatalf("CreateState = %v, %v", created, err)
	}
	if created, err := conn.CreateState(t.Context(), stream.Settings{}); err != nil || created {
		t.Fatalf("CreateState of an existing bucket = %v, %v", created, err)
	}
	return conn.State()
}

func wants(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) || want == nil && err != nil {
		t.Errorf("%s: error %v, want %v", what, err, want)
	}
}

func wantValue(t *testing.T, s *stream.State, key, want string) uint64 {
	t.Helper()
	value, revision, err := s.Get(t.Context(), key)
	if err != nil || string(value) != want {
		t.Errorf("Get(%s) = %q, %v, want %q", key, value, err, want)
	}
	return revision
}

func TestState(t *testing.T) {
	t.Parallel()
	s, ctx := createdState(t), t.Context()
	_, _, err := s.Get(ctx, "floor.a")
	wants(t, "get of a missing key", err, stream.ErrNoKey)
	first, err := s.Create(ctx, "floor.a", []byte("1"), 0)
	wants(t, "create", err, nil)
	_, err = s.Create(ctx, "floor.a", []byte("2"), 0)
	wants(t, "second create", err, stream.ErrStateConflict)
	second, err := s.Update(ctx, "floor.a", []byte("3"), first)
	wants(t, "update", err, nil)
	_, err = s.Update(ctx, "floor.a", []byte("4"), first)
	wants(t, "update of an old revision", err, stream.ErrStateConflict)
	if got := wantValue(t, s, "floor.a", "3"); got != second {
		t.Errorf("revision %d, want %d", got, second)
	}
	wants(t, "put", s.Put(ctx, "floor.a", []byte("5")), nil)
	wantValue(t, s, "floor.a", "5")
	wants(t, "put of another key", s.Put(ctx, "other.a", nil), nil)
	if keys, err := s.Keys(ctx, "floor."); err != nil || !slices.Equal(keys, []string{"floor.a"}) {
		t.Errorf("keys %v, %v", keys, err)
	}
	wants(t, "delete", s.Delete(ctx, "floor.a"), nil)
	if keys, err := s.Keys(ctx, "floor."); err != nil || len(keys) != 0 {
		t.Errorf("keys %v, %v, want none after the deletion", keys, err)
	}
	_, _, err = s.Get(ctx, "floor.a")
	wants(t, "get of a deleted key", err, stream.ErrNoKey)
	_, err = s.Create(ctx, "floor.a", []byte("6"), 0)
	wants(t, "create of a deleted key", err, nil)
	if err := s.Put(ctx, "a b@c", nil); err == nil {
		t.Error("a key with a space is accepted")
	}
}

// The server deletes a key that was created with a TTL.
func TestStateTTL(t *testing.T) {
	t.Parallel()
	s := createdState(t)
	_, err := s.Create(t.Context(), "marker.x", []byte("1"), time.Second)
	wants(t, "create", err, nil)
	wantValue(t, s, "marker.x", "1")
	deadline := time.After(10 * time.Second)
	for {
		if _, _, err = s.Get(t.Context(), "marker.x"); errors.Is(err, stream.ErrNoKey) {
			return
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-deadline:
			t.Fatalf("the key is still there: %v", err)
		}
	}
}

// Counters of several workers lose no count.
func TestStateChange(t *testing.T) {
	t.Parallel()
	s := createdState(t)
	var workers sync.WaitGroup
	for range 4 {
		workers.Go(func() {
			for range 10 {
				err := s.Change(t.Context(), "held", func(value []byte) ([]byte, error) {
					n, _ := strconv.Atoi(string(value))
					return []byte(strconv.Itoa(n + 1)), nil
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	workers.Wait()
	wantValue(t, s, "held", "40")
}

func TestNoState(t *testing.T) {
	t.Parallel()
	conn := streamtest.Start(t).Connect(stream.Settings{})
	_, _, err := conn.State().Get(t.Context(), "x")
	wants(t, "get", err, stream.ErrNoState)
	wants(t, "put", conn.State().Put(t.Context(), "x", nil), stream.ErrNoState)
}
