package stream

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/nats-io/nats.go/jetstream"
)

// Keys returns the keys with a prefix that ends with a dot.
func (s *State) Keys(ctx context.Context, prefix string) (keys []string, err error) {
	values, err := s.Values(ctx, prefix)
	return slices.Sorted(maps.Keys(values)), err
}

// Values returns the values of the keys with a prefix that ends with a dot.
func (s *State) Values(ctx context.Context, prefix string) (map[string][]byte, error) {
	subjects, err := s.subjects(ctx, prefix+">")
	values := map[string][]byte{}
	for _, key := range subjects {
		value, _, err := s.Get(ctx, key)
		switch {
		case err == nil:
			values[key] = value
		case !errors.Is(err, ErrNoKey): // a deleted key leaves a trace
			return values, err
		}
	}
	return values, err
}

// wasDeleted reports whether a key without a value once had a value.
func (s *State) wasDeleted(ctx context.Context, key string) (bool, error) {
	traces, err := s.subjects(ctx, key)
	return len(traces) > 0, err
}

// subjects returns the keys that match a pattern, also deleted ones.
func (s *State) subjects(ctx context.Context, pattern string) (keys []string, err error) {
	err = s.do(ctx, "list", pattern, func(ctx context.Context, _ jetstream.KeyValue) error {
		st, err := s.conn.lookUp(ctx, stateStream)
		if err != nil {
			return err
		}
		info, err := st.Info(ctx, jetstream.WithSubjectFilter(stateSubject+pattern))
		if err != nil {
			return err
		}
		for subject := range info.State.Subjects {
			keys = append(keys, strings.TrimPrefix(subject, stateSubject))
		}
		return nil
	})
	return keys, err
}
