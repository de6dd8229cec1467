package ingestapp_test

import (
	"strings"
	"testing"

	"github.com/cioevents/cioevents/internal/app/ingestapp"
	"github.com/cioevents/cioevents/internal/config"
)

func TestListenerMistakes(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, value, want string
	}{
		{"MAX_CONNECTIONS", "0", `invalid MAX_CONNECTIONS "0": want a whole number above 0`},
		{"MAX_BODY_BYTES", "8x", `invalid MAX_BODY_BYTES "8x": want a size above 0 such as 8MiB`},
		{"MAX_BODY_BYTES", "0MiB", `invalid MAX_BODY_BYTES "0MiB": want a size above 0 such as 8MiB`},
		{"INGEST_ADDR", ":999999", `invalid INGEST_ADDR ":999999": want HOST:PORT or :PORT, with a port up to 65535`},
		{"TLS_CERT_FILE", "/nowhere/tls.crt", "TLS_CERT_FILE, TLS_KEY_FILE: set both or none"},
		{"TLS_KEY_FILE", "/nowhere/tls.key", "TLS_CERT_FILE, TLS_KEY_FILE: set both or none"},
		{"ALLOWED_NETWORKS", "10.0.0.1/8", `invalid ALLOWED_NETWORKS "10.0.0.1/8": want CIDR networks such as 10.0.0.0/8, comma-separated, and no address bits beyond the mask`},
		{"TRUSTED_PROXIES", "10.0.0.0/8", "TRUSTED_PROXIES: has no effect without ALLOWED_NETWORKS"},
	}
	for _, tt := range tests {
		t.Run(tt.name+"="+tt.value, func(t *testing.T) {
			t.Parallel()
			err := parse(map[string]string{"CUSTOMERIO_WEBHOOK_SECRET": "k", tt.name: tt.value})
			if err == nil || err.Error() != tt.want {
				t.Errorf("error %v, want %s", err, tt.want)
			}
		})
	}
	err := parse(map[string]string{"CUSTOMERIO_WEBHOOK_SECRET": "k", "TLS_CERT_FILE": "/nowhere/a", "TLS_KEY_FILE": "/nowhere/b"})
	if err == nil || !strings.HasPrefix(err.Error(), "TLS_CERT_FILE, TLS_KEY_FILE: open /nowhere/a: ") {
		t.Errorf("no files: %v", err)
	}
}

func parse(env map[string]string) error {
	var cfg ingestapp.Config
	set := config.New("ingest", func(name string) string { return env[name] })
	cfg.Declare(set)
	return set.Parse(nil)
}
