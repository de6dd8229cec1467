package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
)

// stdin returns standard input as a reader that ends with ctx. Ctrl-C does not
// interrupt a read from a terminal or a pipe, so the goroutine with the read is left
// behind.
func (c *cli) stdin(ctx context.Context) io.Reader {
	r, w := io.Pipe()
	go func() {
		_, err := io.Copy(w, c.in)
		w.CloseWithError(err)
	}()
	context.AfterFunc(ctx, func() { w.CloseWithError(ctx.Err()) })
	return r
}

// maxLine is in bytes, far above the largest body that a receiver accepts.
const maxLine = 16 << 20

// A lineReader yields the lines that are not empty. Afterwards, err says why the
// lines ended early.
type lineReader struct {
	in  io.Reader
	err error
}

func (l *lineReader) all(yield func([]byte) bool) {
	s := bufio.NewScanner(l.in)
	s.Buffer(nil, maxLine)
	n := 0
	for ; s.Scan(); n++ {
		if line := strings.TrimSpace(s.Text()); line != "" && !yield([]byte(line)) {
			return
		}
	}
	switch err := s.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		l.err = fmt.Errorf("line %d of standard input is longer than %d bytes, and the rest is not read: put each event on a line of its own", n+1, maxLine)
	case err != nil:
		l.err = fmt.Errorf("read standard input: %w", err)
	}
}
