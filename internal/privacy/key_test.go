package privacy_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/cioevents/cioevents/internal/privacy"
)

func key(t *testing.T, id, fill string) privacy.Key {
	t.Helper()
	k, err := privacy.NewKey(id, bytes.Repeat([]byte(fill), 32))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// Stored hashes must stay comparable for ever, so the test knows two of them. Their last 64
// digits are the HMAC-SHA-256 with a key of 32 letters "s", by "openssl dgst -sha256 -mac
// HMAC".
func TestKeyIsStable(t *testing.T) {
	t.Parallel()
	k := key(t, "k1", "s")
	for got, want := range map[string]string{
		k.Hash("ann@x.example"): "k1:c8ae03436ebdd52348ea4727394253c907f7df8b2a1a1ff51534ee1678ab761f",
		k.Mark("acme", privacy.Identifier{Kind: privacy.ID, Value: "ann@x.example"}): "fd5b8420:2d7e289d928566c9897bd80f5c5a9a6ad103db7bd8eeae25b3cbc4d1fbe45d0a9e88e9c36d0bb2ba",
	} {
		if got != want {
			t.Errorf("got %s; want %s", got, want)
		}
	}
}

// Every part of a mark counts, and a mark tells nothing about a hash.
func TestMarksDiffer(t *testing.T) {
	t.Parallel()
	k := key(t, "k1", "s")
	seen := map[string]bool{k.Hash("a1"): true, k.Hash("a2"): true}
	for _, m := range []string{
		k.Mark("acme", privacy.Identifier{Kind: privacy.ID, Value: "a1"}),
		k.Mark("acm", privacy.Identifier{Kind: privacy.ID, Value: "ea1"}),
		k.Mark("other", privacy.Identifier{Kind: privacy.ID, Value: "a1"}),
		k.Mark("acme", privacy.Identifier{Kind: privacy.CioID, Value: "a1"}),
		key(t, "k1", "t").Mark("acme", privacy.Identifier{Kind: privacy.ID, Value: "a1"}),
	} {
		if _, hex, _ := strings.Cut(m, ":"); seen[m] || len(hex) != 80 {
			t.Errorf("mark %s is not new or has not 80 digits", m)
		}
		seen[m] = true
	}
}

func TestNewKeyRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ id, secret, want string }{
		{"", strings.Repeat("s", 32), "invalid id"},
		{"K1", strings.Repeat("s", 32), "invalid id"},
		{"k:1", strings.Repeat("s", 32), "invalid id"},
		{"k1", "short-secret", "12 bytes"},
		{"k1", "", "0 bytes"},
	} {
		_, err := privacy.NewKey(c.id, []byte(c.secret))
		if err == nil || !strings.Contains(err.Error(), c.want) || c.secret != "" && strings.Contains(err.Error(), c.secret) {
			t.Errorf("key %q: %v; want %q, and no secret", c.id, err, c.want)
		}
	}
}
