package stream

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/nats-io/nats.go"
)

// nats.go asks for the credentials at each connection, so that a file that was replaced
// needs no restart.
func TestCredentialsAreReadAtEachConnection(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "user.creds")
	write := func(jwt string) {
		text := "-----BEGIN NATS USER JWT-----\n" + jwt + "\n------END NATS USER JWT------\n"
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("first")
	opts, err := options(Config{Creds: file})
	if err != nil {
		t.Fatal(err)
	}
	var o nats.Options
	for _, option := range opts {
		if err := option(&o); err != nil {
			t.Fatal(err)
		}
	}
	for _, jwt := range []string{"second", "third"} {
		write(jwt)
		if got, err := o.UserJWT(); got != jwt || err != nil {
			t.Errorf("the credentials are %q, %v, want %q", got, err, jwt)
		}
	}
}
