package ingest

import (
	"errors"
	"io"
	"net/http"
	"sync"
)

// smallBody is the largest size of a body, in bytes, that is read into a pooled
// buffer. The usual body has 1 kB. Larger bodies are rare and share a budget. The
// budget keeps large bodies from filling the memory, and small bodies are never
// refused because of large ones. Only MaxConnections bounds the small bodies, which
// anybody can send: 4096 small bodies take 80 MB.
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

// A body holds the bytes of a call. The caller of readBody must release the body.
type body struct {
	bytes []byte
	// pooled is the buffer behind bytes, nil for a large body.
	pooled *[]byte
	// charged is the size by which a large body has charged the budget, in bytes.
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
func readBody(r *http.Request, limit int64, budget *gate) (b body, err error) {
	if r.ContentLength > limit {
		return b, errTooLarge
	}
	b.budget = budget
	err = b.readSmall(r.Body, r.ContentLength)
	switch {
	case int64(len(b.bytes)) > limit: // limit can be below smallBody
		err = errTooLarge
	case errors.Is(err, errFull):
		err = b.readLarge(r.Body, r.ContentLength, limit)
	}
	if err != nil {
		b.release()
		return body{}, err
	}
	return b, nil
}

// readSmall reads up to smallBody bytes. size is the Content-Length, -1 without one.
func (b *body) readSmall(r io.Reader, size int64) error {
	if size > smallBody {
		return errFull
	}
	b.pooled = smallBodies.Get().(*[]byte) //nolint:forcetypeassert,errcheck // the pool contains only *[]byte
	var err error
	b.bytes, err = readUpTo(r, (*b.pooled)[:0], smallBody)
	*b.pooled = b.bytes // the buffer may have grown
	return err
}

// readLarge continues after readSmall, within the budget.
func (b *body) readLarge(r io.Reader, size, limit int64) error {
	if size < 0 {
		size = limit // the largest size possible
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

// errFull reports that the reader has more bytes than the limit.
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
