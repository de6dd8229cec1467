package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/vbauerster/mpb/v8"
)

// An unknown total has no percentage.
func TestBar(t *testing.T) {
	t.Parallel()
	for total, want := range map[int64]struct{ with, without string }{
		4:  {"3 / 4", "no such text"},
		-1: {"3 ", "/ "},
		0:  {"", "3"},
	} {
		var out bytes.Buffer
		c := &cli{err: &out}
		bar, finish := c.bar(total, mpb.WithAutoRefresh())
		for range 3 {
			bar.Increment()
		}
		finish()
		got := out.String()
		if !strings.Contains(got, want.with) || strings.Contains(got, want.without) || strings.Contains(got, "%") != (total > 0) {
			t.Errorf("of %d: %q", total, got)
		}
	}
}
