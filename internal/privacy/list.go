package privacy

import (
	"errors"
	"fmt"
	"math/bits"
	"slices"
	"strconv"
	"strings"

	"github.com/cioevents/cioevents/pkg/webhook"
)

// A List tells whose events a warehouse stores without personal data. The zero List has
// nobody. A List is immutable.
//
// A worker asks for four identifiers of each event, and four HMACs would be a tenth of
// the work on a row. So a mark begins with a tag, the SipHash of the identifier with a key
// of the secret. List computes an HMAC only for an identifier whose tag is on the list.
type List struct {
	key  Key
	tags map[uint64][]string // the marks with a tag, almost always a single mark
	// bits has a bit for the low digits of each tag, and 16 times as many bits as there
	// are marks. For 10,000 marks it fits into the processor's cache, and tags does not.
	bits []uint64
}

// ErrNoKey reports marks without a key.
var ErrNoKey = errors.New("the list of erased persons has entries, and there is no key: set PRIVACY_KEY to the secret with which the persons were erased")

// NewList returns the list of marks. The error is ErrNoKey for marks without a key, and
// names the secret's fingerprint in marks of another key.
func NewList(key Key, marks []string) (*List, error) {
	l := &List{key: key, tags: make(map[uint64][]string, len(marks)), bits: make([]uint64, 1<<bits.Len(uint(len(marks)/4)))}
	for _, m := range marks {
		if key.IsZero() {
			return nil, ErrNoKey
		}
		fingerprint, digits, _ := strings.Cut(m, ":")
		if fingerprint != key.fingerprint {
			return nil, fmt.Errorf("the list of erased persons has an entry of a secret with the fingerprint %q, and the fingerprint of PRIVACY_KEY is %s: set PRIVACY_KEY to the secret with which the persons were erased", fingerprint, key.fingerprint)
		}
		tag, err := strconv.ParseUint(digits[:min(len(digits), 16)], 16, 64)
		if err != nil {
			return nil, fmt.Errorf("the list of erased persons has a broken entry: %w", err)
		}
		l.tags[tag] = append(l.tags[tag], m)
		l.bits[l.word(tag)] |= 1 << (tag % 64)
	}
	return l, nil
}

// Has reports whether an event of a workspace is an erased person's, as Person.Matches
// decides.
func (l *List) Has(workspace string, e *webhook.Event) bool {
	if len(l.tags) == 0 {
		return false
	}
	var ids [4]Identifier
	var text [256]byte
	for _, id := range appendOwner(ids[:0], e) {
		if l.has(text[:0], workspace, id) {
			return true
		}
	}
	return false
}

func (l *List) has(text []byte, workspace string, id Identifier) bool {
	tag := l.key.tag(appendText(text, workspace, id))
	if l.bits[l.word(tag)]&(1<<(tag%64)) == 0 {
		return false
	}
	marks := l.tags[tag]
	return len(marks) > 0 && slices.Contains(marks, l.key.Mark(workspace, id))
}

// word returns the index in bits of a tag.
func (l *List) word(tag uint64) uint64 { return tag / 64 % uint64(len(l.bits)) }
