package ingest

import (
	"errors"
	"io"
	"net/http"
	"sync"
)

// smallBody is the size up to which a body is read into a buffer that is used
// again. The usual one has 1 kB. Larger ones are rare and share a budget, so
// that they cannot fill the memory, and so that small ones are not refused for
// their sake. Nothing but MaxConnections bounds the small ones, which anybody
// can send: 4096 of them take 80 MB.
const smallBody = 16 << 10

var smallBodies = sync.Pool{New: func() any {
	b := make([]byte, 0, 4<<10)
	return &b
}}

// Reasons for not reading a body.
var (
	errTooLarge = errors.New("body too large")
	errNoRoom   = errors.New("no room for another large body")
)

// A body is the bytes of a call. It must be released.
type body struct {
	bytes []byte
	// pooled is where bytes came from, nil for a large body.
	pooled *[]byte
	// budget has been charged with a large body's size.
	budget  *gate
	charged int64
}

func (b *body) release() {
	if b.pooled != nil {
		smallBodies.Put(b.pooled)
	}
	if b.charged > 0 {
		b.budget.leave(b.charged)
	}
}

// readBody reads the body of a call, at most limit bytes.
func readBody(r *http.Request, limit int64, budget *gate) (*body, error) {
	if r.ContentLength > limit {
		return nil, errTooLarge
	}
	b := &body{budget: budget}
	err := b.readSmall(r.Body, r.ContentLength)
	switch {
	case int64(len(b.bytes)) > limit: // which may be less than a small body
		err = errTooLarge
	case errors.Is(err, errFull):
		err = b.readLarge(r.Body, r.ContentLength, limit)
	}
	if err != nil {
		b.release()
		return nil, err
	}
	return b, nil
}

// readSmall reads up to smallBody bytes. The size is what was announced, -1 for
// nothing.
func (b *body) readSmall(r io.Reader, size int64) error {
	if size > smallBody {
		return errFull
	}
	b.pooled = smallBodies.Get().(*[]byte) //nolint:forcetypeassert,errcheck // the pool holds nothing else
	var err error
	b.bytes, err = readUpTo(r, (*b.pooled)[:0], smallBody)
	*b.pooled = b.bytes // it may have grown
	return err
}

// readLarge goes on where readSmall stopped, within the budget.
func (b *body) readLarge(r io.Reader, size, limit int64) error {
	if size < 0 {
		size = limit // it may become as large
	}
	if !b.budget.enter(size) {
		return errNoRoom
	}
	b.charged = size
	whole := make([]byte, len(b.bytes), size+1) // the last read needs room to see the end
	copy(whole, b.bytes)
	var err error
	if b.bytes, err = readUpTo(r, whole, limit); errors.Is(err, errFull) {
		return errTooLarge
	}
	return err
}

// errFull reports that there is more to read than was allowed.
var errFull = errors.New("more than the limit")

// readUpTo appends to b until the end of r, and returns errFull once b is
// longer than limit.
func readUpTo(r io.Reader, b []byte, limit int64) ([]byte, error) {
	for {
		if len(b) == cap(b) {
			b = append(b, 0)[:len(b)]
		}
		n, err := r.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		switch {
		case int64(len(b)) > limit:
			return b, errFull
		case errors.Is(err, io.EOF):
			return b, nil
		case err != nil:
			return b, err
		}
	}
}
