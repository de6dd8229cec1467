package stream

import (
	"context"
	"slices"
	"strings"

	"github.com/nats-io/nats.go/jetstream"
)

// Keys returns the keys with a prefix that ends with a dot.
func (s *State) Keys(ctx context.Context, prefix string) (keys []string, err error) {
	subjects, err := s.subjects(ctx, prefix+">")
	for _, key := range subjects {
		if _, _, err := s.Get(ctx, key); err == nil { // a deleted key leaves a trace
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys, err
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
