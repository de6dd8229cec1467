package report

import (
	"context"

	"github.com/cioevents/cioevents/internal/warehouse"
)

// A clock says how the own statement of groups stores a time: as the number of ticks since
// base. Customer.io's times are whole seconds, so 32 bits suffice, and DuckDB needs half
// the memory of 64 bits for the least or greatest time of a delivery.
type clock struct {
	base   int64  // in µs since 1970
	tick   int64  // in µs
	kind   string // the type of a time
	unsent string // is added to the first time of a delivery without a sent event
	second string // the expression of the second of a time t, never negative
}

// wholeSeconds suffice for 17 years: an outcome is a second times 8.
func wholeSeconds(base int64) clock {
	return clock{base: base, tick: 1_000_000, kind: "UINTEGER", unsent: "2147483648::UINTEGER", second: "t"}
}

const mostSeconds = 1<<29 - 1

// anyTime has all times since the year 1.
var anyTime = clock{base: -62_135_596_800_000_000, tick: 1, kind: "BIGINT", unsent: "1000000000000000000", second: "t // 1000000"}

// setClock chooses the clock for the events of some days.
func (w *writer) setClock(ctx context.Context, r warehouse.Reader, days span) error {
	var times []struct {
		First     int64 `json:"first"`
		Last      int64 `json:"last"`
		Fractions bool  `json:"fractions"`
	}
	err := read(ctx, r, "SELECT epoch_us(min(timestamp)) AS first, epoch_us(max(timestamp)) AS last, bool_or(epoch_us(timestamp) % 1000000 <> 0) AS fractions FROM "+w.rows+" WHERE true"+w.near("timestamp", days), &times)
	w.clock = anyTime
	for _, t := range times {
		if seconds := (t.Last - t.First) / 1_000_000; !t.Fractions && seconds < mostSeconds {
			w.clock = wholeSeconds(t.First)
		}
	}
	return err
}
