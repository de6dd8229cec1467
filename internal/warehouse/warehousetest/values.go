package warehousetest

import (
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/cioevents/cioevents/internal/warehouse"
)

func everyField(p *suite) {
	row := full()
	for _, c := range warehouse.Columns() {
		if Value(&c, &row) == nil {
			p.t.Errorf("the suite's row has no value in column %s", c.Name)
		}
	}
	rows := append(Samples(), row)
	p.expect(p.open(), rows, len(rows), 0)
	p.checkRead(rows)
}

func requiredFields(p *suite) {
	rows := bare(3)
	rows[1].ByMachine, rows[1].Proxied = new(false), new(true) // false is not NULL
	p.expect(p.open(), rows, 3, 0)
	p.checkRead(rows)
}

// times checks that a reader sees the same instant, truncated to microseconds, for any
// time zone of the row's clock.
func times(p *suite) {
	zone := time.FixedZone("UTC+5:30", 5*3600+1800)
	instants := []time.Time{
		time.Date(2025, time.September, 1, 1, 30, 0, 999_999_999, zone), // the day before in UTC
		time.Date(2025, time.December, 31, 23, 59, 59, 1_999, time.UTC),
		time.Unix(0, 0),
		time.Date(1969, time.December, 31, 23, 59, 59, 999_999_001, time.UTC),
		time.Date(1, time.January, 1, 0, 0, 1, 0, time.UTC),
		time.Date(9999, time.December, 31, 23, 59, 59, 999_999_999, time.UTC),
	}
	rows := bare(len(instants))
	for i, at := range instants {
		rows[i].Timestamp, rows[i].ReceivedAt = at, at
	}
	p.expect(p.open(), rows, len(rows), 0)
	p.checkRead(rows)
}

// invalidUTF8 checks that U+FFFD replaces bytes that are not UTF-8, also in the event's
// key.
func invalidUTF8(p *suite) {
	sink := p.open()
	rows := bare(3)
	rows[0].Subject, rows[0].Raw = "caf\xe9", []byte("{\"x\":\"\xe9\"}")
	rows[1].EventID = "\xff\xfe"
	rows[2].EventID = "\ufffd"
	p.expect(sink, rows[:2], 2, 0)
	p.expect(sink, rows, 0, 3)
	p.checkRead(rows[:2])
}

func largePayload(p *suite) {
	sink := p.open()
	rows := bare(3)
	rows[1].Raw = fmt.Appendf(nil, `{"data":{"content":%q}}`, strings.Repeat("large ", 8<<20/6))
	p.expect(sink, rows, 3, 0)
	p.expect(sink, rows, 0, 3)
	p.checkRead(rows)
}

// callersRows checks that a sink neither keeps nor changes the rows of a Write: the
// caller may reuse their bytes.
func callersRows(p *suite) {
	sink := p.open()
	rows := bare(3)
	p.expect(sink, rows, 3, 0)
	if !reflect.DeepEqual(rows, bare(3)) {
		p.t.Error("Write changed its rows, which are the caller's")
	}
	for i := range rows {
		copy(rows[i].Raw, "[]")
	}
	rows = bare(6)
	p.expect(sink, rows[3:], 3, 0)
	p.checkRead(rows)
}

func nested(depth int) string {
	return `{"x":` + strings.Repeat("[", depth) + strings.Repeat("]", depth) + "}"
}
