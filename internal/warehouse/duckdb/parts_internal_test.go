package duckdb

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cioevents/cioevents/internal/warehouse"
)

// An old id, or an id that is no ULID, does not widen the range of the others.
func TestParts(t *testing.T) {
	t.Parallel()
	const now, old, older, digest = "01K6A", "01K5A", "01JZZ", "digest"
	// Two ids of one name are a second apart, and ids of two names are days apart.
	id := func(name string, i int) string {
		if name == digest {
			return strings.Repeat(fmt.Sprintf("%016x", i), 4)
		}
		return fmt.Sprintf("%s%05d%016X", name, i, i) // the letters 0 to 9 count 32 in a place
	}
	for _, c := range []struct {
		names string
		want  parts
	}{
		{"", parts{}},
		{now, parts{{0}}},
		{digest, parts{nil, nil, {0}}},
		{now + " " + now, parts{{0, 1}}},
		{strings.Join([]string{now, old, now, digest, now, older}, " "), parts{{0, 2, 4}, {5, 1}, {3}}},
		{strings.Join([]string{old, now, old, old}, " "), parts{{0, 2, 3}, {1}}}, // a replay with a new event
	} {
		var rows []warehouse.Row
		var indexes []int
		for i, name := range strings.Fields(c.names) {
			var r warehouse.Row
			r.EventID = id(name, i)
			rows, indexes = append(rows, r), append(indexes, i)
		}
		if diff := cmp.Diff(c.want, partsOf(rows, indexes, idTime)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", c.names, diff)
		}
	}
}

func TestULIDTime(t *testing.T) {
	t.Parallel()
	// The example of https://github.com/ulid/spec.
	if ms, ok := ulidTime("01ARZ3NDEKTSV4RRFFQ69G5FAV"); !ok || time.UnixMilli(ms).UTC().Format(time.DateOnly) != "2016-07-30" {
		t.Errorf("%d, %t", ms, ok)
	}
	for _, id := range []string{"", "01ARZ3NDEK", "01arz3ndektsv4rrffq69g5fav", "01ARZ3NDEITSV4RRFFQ69G5FA", "0IARZ3NDEKTSV4RRFFQ69G5FAV", strings.Repeat("0", 64)} {
		if _, ok := ulidTime(id); ok {
			t.Errorf("%q is a ULID", id)
		}
	}
}
