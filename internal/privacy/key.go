package privacy

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"regexp"
	"sync"

	"github.com/dchest/siphash"
)

// minSecret is the least length of a key's secret in bytes. A key shorter than 32
// characters of a password manager is easier to guess than the HMAC is to break.
const minSecret = 32

var keyID = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,31}$`)

// A Key replaces values by their HMAC-SHA-256. Without the secret nobody can compute a
// value from its HMAC, nor test a guess. The zero Key has no secret: do not use it. A Key is
// safe for concurrent use.
type Key struct {
	// ID names the secret in the texts of Hash. A new secret needs a new ID.
	ID string
	// fingerprint names the secret in marks. An operator may replace the secret and forget
	// to change ID. Marks of the old secret would then match nobody.
	fingerprint string
	tag0, tag1  uint64
	macs        *sync.Pool // of hash.Hash: a new HMAC costs as much as three values
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
	k := Key{ID: id, macs: &sync.Pool{New: func() any { return hmac.New(sha256.New, secret) }}}
	name, tag := k.sum([]byte("fingerprint")), k.sum([]byte("tag"))
	k.fingerprint = hex.EncodeToString(name[:4])
	k.tag0, k.tag1 = binary.LittleEndian.Uint64(tag[:8]), binary.LittleEndian.Uint64(tag[8:16])
	return k, nil
}

// IsZero reports whether the key has no secret.
func (k Key) IsZero() bool { return k.macs == nil }

// Hash returns the text that takes the place of a value in a column of the warehouse:
// "<key id>:<hex>". Equal values have equal texts, in all workspaces. The caller brings an
// identifier to its normal form before.
func (k Key) Hash(value string) string {
	sum := k.sum(append([]byte("column\x00"), value...))
	return k.ID + ":" + hex.EncodeToString(sum[:])
}

// Mark returns the text that stands for an erased identifier in the list of erased persons:
// "<fingerprint of the secret>:<tag><hmac>", both in hexadecimal digits. Mark and Hash of one
// value have nothing in common, so that a reader of the warehouse cannot tell who is on the
// list. List explains the tag.
func (k Key) Mark(workspace string, id Identifier) string {
	text := appendText(nil, workspace, id)
	sum := k.sum(append([]byte("erased\x00"), text...))
	return fmt.Sprintf("%s:%016x%x", k.fingerprint, k.tag(text), sum)
}

// appendText appends the text that identifies a person. No part has a byte 0.
func appendText(b []byte, workspace string, id Identifier) []byte {
	b = append(append(b, workspace...), 0)
	b = append(append(b, id.Kind...), 0)
	return append(b, id.Value...)
}

// tag is a keyed hash of 64 bits, some twenty times as fast as an HMAC.
func (k Key) tag(text []byte) uint64 { return siphash.Hash(k.tag0, k.tag1, text) }

func (k Key) sum(text []byte) (sum [sha256.Size]byte) {
	mac := k.macs.Get().(hash.Hash) //nolint:errcheck,forcetypeassert // the pool has nothing else
	defer k.macs.Put(mac)
	mac.Reset()
	_, _ = mac.Write(text) // never fails
	mac.Sum(sum[:0])
	return sum
}
