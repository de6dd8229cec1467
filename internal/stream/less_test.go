package stream_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/stream/streamtest"
)

// The refusal lists what shrinks and nothing else. The kind of fault: a setting that makes
// the running stream lose or refuse events is applied without a word.
func TestApplyRefusesLess(t *testing.T) {
	t.Parallel()
	conn := streamtest.Start(t).Connect(stream.Settings{MaxAge: time.Hour})
	p := publisher(t, conn)
	for _, id := range []string{"a", "b"} {
		m := message(id)
		m.Body = []byte(`{"event_id":"` + id + `","text":"` + strings.Repeat("x", 700_000) + `"}`)
		publish(t, p, m)
	}
	for _, tt := range []struct {
		s    stream.Settings
		want string // "" when the settings are applied
	}{
		{
			stream.Settings{MaxAge: time.Hour, MaxBytes: 1 << 20},
			"STREAM_MAX_BYTES is unlimited, configured is 1MiB, but stream CUSTOMERIO stores 1.3 MiB and would refuse every message",
		},
		{stream.Settings{MaxAge: 30 * time.Minute, MaxBytes: 4 << 20}, "STREAM_MAX_AGE is 1h, configured is 30m, which deletes what is older"},
		{
			stream.Settings{MaxAge: 2 * time.Hour, MaxBytes: 4 << 20, DedupWindow: time.Minute},
			"DEDUP_WINDOW is 1h, configured is 1m, which stores an event that is repeated later as a second message",
		},
		{stream.Settings{MaxAge: 2 * time.Hour, MaxBytes: 4 << 20, DedupWindow: time.Hour}, ""},
		{
			stream.Settings{MaxAge: 2 * time.Hour, MaxBytes: 1 << 20},
			"STREAM_MAX_BYTES is 4MiB, configured is 1MiB, but stream CUSTOMERIO stores 1.3 MiB and would refuse every message",
		},
		{stream.Settings{MaxAge: 2 * time.Hour, MaxBytes: 2 << 20}, ""}, // room is left
		{stream.Settings{MaxAge: 2 * time.Hour}, ""},
	} {
		err := conn.Apply(t.Context(), tt.s, false)
		if tt.want == "" && err != nil || tt.want != "" && (!errors.Is(err, stream.ErrLess) || err.Error() != stream.ErrLess.Error()+": "+tt.want) {
			t.Errorf("Apply(%+v) = %v, want %q", tt.s, err, tt.want)
		}
	}
	if err := conn.Apply(t.Context(), stream.Settings{MaxAge: time.Hour, MaxBytes: 1 << 20}, true); err != nil {
		t.Errorf("Apply of less, allowed: %v", err)
	}
}

// A setting that is left out has its default, also a default that is less.
func TestApplyRefusesAShorterWindow(t *testing.T) {
	t.Parallel()
	srv := streamtest.Start(t)
	conn := srv.Connect(stream.Settings{DedupWindow: 24 * time.Hour})
	for _, s := range []stream.Settings{{MaxBytes: 1 << 30}, {MaxBytes: 1 << 30, DedupWindow: time.Second}} {
		if err := conn.Apply(t.Context(), s, false); !errors.Is(err, stream.ErrLess) || !strings.Contains(err.Error(), "DEDUP_WINDOW is 24h, configured is ") {
			t.Errorf("Apply(%+v) = %v", s, err)
		}
	}
	// The window of dead letters has no setting, but somebody may have edited it.
	js, err := jetstream.New(client(t, srv))
	if err != nil {
		t.Fatal(err)
	}
	st, err := js.Stream(t.Context(), stream.DeadName)
	if err != nil {
		t.Fatal(err)
	}
	cfg := st.CachedInfo().Config
	cfg.Duplicates = time.Hour
	if _, err := js.UpdateStream(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	same := stream.Settings{DedupWindow: 24 * time.Hour}
	if err := conn.Apply(t.Context(), same, false); !errors.Is(err, stream.ErrLess) || !strings.Contains(err.Error(), "the duplicate window of dead letters is 1h, configured is 15m") {
		t.Errorf("Apply = %v", err)
	}
	if err := conn.Apply(t.Context(), same, true); err != nil {
		t.Errorf("Apply of less, allowed: %v", err)
	}
	if err := conn.Apply(t.Context(), stream.Settings{DedupWindow: 48 * time.Hour}, false); err != nil {
		t.Errorf("Apply of more: %v", err)
	}
}

// NATS writes no limit of the age as 0, which is not less than another age.
func TestApplyRefusesAnAgeInsteadOfNone(t *testing.T) {
	t.Parallel()
	srv := streamtest.Start(t)
	conn := srv.Connect(stream.Settings{})
	js, err := jetstream.New(client(t, srv))
	if err != nil {
		t.Fatal(err)
	}
	st, err := js.Stream(t.Context(), stream.Name)
	if err != nil {
		t.Fatal(err)
	}
	cfg := st.CachedInfo().Config
	cfg.MaxAge = 0
	if _, err := js.UpdateStream(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	err = conn.Apply(t.Context(), stream.Settings{}, false)
	if !errors.Is(err, stream.ErrLess) || !strings.Contains(err.Error(), "STREAM_MAX_AGE is unlimited, configured is 720h") {
		t.Errorf("Apply = %v", err)
	}
}
