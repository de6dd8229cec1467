package duckdb

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/cioevents/cioevents/internal/warehouse"
)

// A batch has three parts, and the join with the table is one join for each part. DuckDB
// skips the row groups whose least and greatest event_id exclude the ids of a join. Ids are
// ULIDs, which sort by time, so new events need the end of the table only. In one join with
// new events, a single old id would make DuckDB read all younger ids: 600 ms for 20 million
// rows. The parts are
//
//   - the longest run of neighbours in time, for which DuckDB has one range of ids;
//   - the other ULIDs, usually few. DuckDB compares each id with each row group, and reads a
//     row group in 3 ms;
//   - ids other than ULIDs, such as the digests of bodies without an id.
//
// A row group with old ids or digests has a wide range, so later searches for old ids read
// the row group, too. So an insert does not look for an id that knownIDs denies.
type parts [3][]int

// neighbourGap is the longest time in milliseconds between two neighbours of a run, and so
// bounds what a run reads in vain: the ids of a minute.
const neighbourGap = 60_000

// separateIDs is the number of ids up to which DuckDB looks for each id by itself, instead
// of for the range of all ids. More ids are in nearly all of the 650 row groups of 20 million
// rows.
const separateIDs = 200

// partsOf splits the rows at the indexes by the time in milliseconds that the function at
// returns.
func partsOf(rows []warehouse.Row, indexes []int, at func(*warehouse.Row) (ms int64, ok bool)) parts {
	var p parts
	type row struct {
		ms    int64
		index int
	}
	times := make([]row, 0, len(indexes))
	for _, i := range indexes {
		if ms, ok := at(&rows[i]); ok {
			times = append(times, row{ms, i})
		} else {
			p[2] = append(p[2], i)
		}
	}
	slices.SortFunc(times, func(a, b row) int { return cmp.Compare(a.ms, b.ms) })
	from, to := 0, 0 // of the longest run
	for first, i := 0, 1; i <= len(times); i++ {
		if i == len(times) || times[i].ms-times[i-1].ms > neighbourGap {
			if i-first > to-from {
				from, to = first, i
			}
			first = i
		}
	}
	for i, t := range times {
		part := 1
		if from <= i && i < to {
			part = 0
		}
		p[part] = append(p[part], t.index)
	}
	return p
}

// idTime is the time of parts by id.
func idTime(r *warehouse.Row) (ms int64, ok bool) { return ulidTime(r.EventID) }

// receivedTime is the time of parts by received_at.
func receivedTime(r *warehouse.Row) (ms int64, ok bool) { return r.ReceivedAt.UnixMilli(), true }

// late reports whether an insert looks for more than a run.
func (p *parts) late() bool { return len(p[1])+len(p[2]) > 0 }

// ulidTime returns the time of a ULID in milliseconds, from its first 10 characters
// (https://github.com/ulid/spec).
func ulidTime(id string) (ms int64, ok bool) {
	const letters = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
	if len(id) != 26 {
		return 0, false
	}
	for i := range 10 {
		n := strings.IndexByte(letters, id[i])
		if n < 0 {
			return 0, false
		}
		ms = ms<<5 | int64(n)
	}
	return ms, true
}

// foundSQL returns the query of the rows of the table that have an id of the batch, perhaps
// with another workspace or metric.
func (p *parts) foundSQL() string {
	return p.searchSQL("e.rowid AS place, e.event_id", "e.event_id = b.event_id")
}

// repeatedSQL returns the query of the keys of the rows of the table that have an id of the
// batch and the same received_at.
func (p *parts) repeatedSQL() string {
	return p.searchSQL("e.workspace, e.event_id, e.metric", "e.received_at = b.received_at AND e.event_id = b.event_id")
}

// searchSQL returns a query that joins each part with the table of events e.
func (p *parts) searchSQL(values, on string) string {
	var list []string
	for i := range p {
		if len(p[i]) > 0 {
			list = append(list, fmt.Sprintf("  SELECT %s FROM %s e\n  SEMI JOIN cioevents_part%d() b ON %s", values, eventsTable, i, on))
		}
	}
	return strings.Join(list, "\n  UNION ALL\n")
}
