package stream

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"
)

// changeTries and changePause bound Change. After a conflict Change pauses for a random
// time up to changePause: processes in step would conflict again.
const (
	changeTries = 50
	changePause = 20 * time.Millisecond
)

// Change replaces the value of a key by the result of fn for the present value. The
// present value of a missing key is nil. Change calls fn again when another process was
// faster, and loses no change: a counter is a Change. An error of fn ends Change and is
// returned.
func (s *State) Change(ctx context.Context, key string, fn func(value []byte) ([]byte, error)) error {
	var err error
	for range changeTries {
		if err = s.changeOnce(ctx, key, fn); !errors.Is(err, ErrStateConflict) {
			return err
		}
		select {
		case <-time.After(rand.N(changePause)):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return err
}

func (s *State) changeOnce(ctx context.Context, key string, fn func([]byte) ([]byte, error)) error {
	value, revision, err := s.Get(ctx, key)
	missing := errors.Is(err, ErrNoKey)
	if err != nil && !missing {
		return err
	}
	changed, err := fn(value)
	if err != nil {
		return err
	}
	if missing {
		_, err = s.Create(ctx, key, changed, 0)
	} else {
		_, err = s.Update(ctx, key, changed, revision)
	}
	return err
}
