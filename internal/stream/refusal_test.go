package stream_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/stream/natsserver"
	"github.com/cioevents/cioevents/internal/stream/streamtest"
)

// A full store of the server or of the account is no full stream: a higher
// STREAM_MAX_BYTES would change nothing. The errors are those of a real server.
func TestStoreFull(t *testing.T) {
	t.Parallel()
	for limit, option := range map[string]streamtest.Option{
		"max_file_store of the NATS server": func(o *natsserver.Options) { o.JetStreamMaxStore = 20_000 },
		"max_file of the NATS account":      withConfig(t, `accounts { A { jetstream { max_file: 20000 }, users: [{user: a, password: a}] } }, no_auth_user: a`),
	} {
		t.Run(limit, func(t *testing.T) {
			t.Parallel()
			p := publisher(t, streamtest.Start(t, option).Connect(stream.Settings{}))
			var err error
			for n := 0; err == nil && n < 100; n++ {
				m := message(strings.Repeat("x", n+1))
				m.Body = []byte(strings.Repeat("x", 1000))
				_, err = p.Publish(t.Context(), m)
			}
			if !errors.Is(err, event.ErrStoreFull) || !strings.Contains(err.Error(), limit) {
				t.Errorf("Publish = %v, want ErrStoreFull and %q", err, limit)
			}
		})
	}
}

// withConfig takes the accounts and the users of a server from a configuration.
func withConfig(t *testing.T, text string) streamtest.Option {
	t.Helper()
	file := filepath.Join(t.TempDir(), "nats.conf")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	parsed, err := server.ProcessConfigFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return func(o *natsserver.Options) {
		o.Accounts, o.Users, o.NoAuthUser = parsed.Accounts, parsed.Users, parsed.NoAuthUser
	}
}
