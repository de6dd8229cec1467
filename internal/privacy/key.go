package privacy

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"regexp"
)

// minSecret is the least length of a key's secret in bytes. A key shorter than 32
// characters of a password manager is easier to guess than the HMAC is to break.
const minSecret = 32

var keyID = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,31}$`)

// A Key replaces values by their HMAC-SHA-256. Without the secret nobody can compute a
// value from its HMAC, nor test a guess. The zero Key has no secret: do not use it.
type Key struct {
	// ID names the secret in the texts of Hash. A new secret needs a new ID.
	ID     string
	secret []byte
}

// NewKey returns a key. The id has 1 to 32 characters a-z, 0-9, "_" and "-", the secret 32
// bytes or more.
func NewKey(id string, secret []byte) (Key, error) {
	if !keyID.MatchString(id) {
		return Key{}, fmt.Errorf("invalid id of a key %q: want a-z, 0-9, '_' and '-', at most 32 characters, first a letter or a digit", id)
	}
	if len(secret) < minSecret {
		return Key{}, fmt.Errorf("the secret of key %s has %d bytes: want %d at least, such as the output of \"openssl rand -hex 32\"", id, len(secret), minSecret)
	}
	return Key{ID: id, secret: secret}, nil
}

// Hash returns the text that takes the place of a value in a column of the warehouse:
// "<key id>:<hex>". Equal values have equal texts, in all workspaces. The caller brings an
// identifier to its normal form before.
func (k Key) Hash(value string) string { return k.ID + ":" + k.sum("column", value) }

// Mark returns the text that stands for an erased identifier in the list of erased persons:
// "<fingerprint>:<hex>". Mark and Hash of one value have nothing in common, so that a reader
// of the warehouse cannot tell who is on the list.
func (k Key) Mark(workspace string, id Identifier) string {
	return k.Fingerprint() + ":" + k.sum("erased", workspace, string(id.Kind), id.Value)
}

// Fingerprint names the secret, independently of ID, in 8 hexadecimal digits. An operator
// may replace the secret and forget to change ID. Marks of the old secret would then match
// nobody.
func (k Key) Fingerprint() string { return k.sum("fingerprint")[:8] }

// sum is the HMAC of a purpose and of texts, in hexadecimal digits. The byte 0 stands
// between texts.
func (k Key) sum(purpose string, texts ...string) string {
	mac := hmac.New(sha256.New, k.secret)
	_, _ = io.WriteString(mac, purpose) // never fails
	for _, t := range texts {
		_, _ = mac.Write([]byte{0})
		_, _ = io.WriteString(mac, t)
	}
	return hex.EncodeToString(mac.Sum(nil))
}
