package warehousetest

import (
	"slices"
	"time"

	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/pkg/webhook"
)

// many is more rows than a warehouse stores in one piece; DuckDB's vectors have 2,048
// rows.
const many = 5_000

func openTwice(p *suite) {
	sink := p.open()
	p.expect(sink, bare(2), 2, 0)
	if err := sink.Open(p.t.Context()); err != nil {
		p.t.Fatalf("Open of an open sink: %v", err)
	}
	p.expect(p.open(), bare(3), 1, 2)
	p.expect(sink, bare(4), 1, 3)
	p.checkRead(bare(4))
}

func emptyBatch(p *suite) {
	sink := p.open()
	for _, rows := range [][]warehouse.Row{nil, {}} {
		p.expect(sink, rows, 0, 0)
	}
	p.checkRead(nil)
}

func sameBatchTwice(p *suite) {
	sink := p.open()
	rows := Rows(many)
	p.expect(sink, rows, many, 0)
	p.expect(sink, rows, 0, many)
	p.checkRead(rows)
}

func newAmongOld(p *suite) {
	sink := p.open()
	rows := Rows(60)
	var odd []warehouse.Row
	for i := 1; i < len(rows); i += 2 {
		odd = append(odd, rows[i])
	}
	p.expect(sink, odd, 30, 0)
	p.expect(sink, rows, 30, 30)
	p.checkRead(rows)
}

func repeatsWithinBatch(p *suite) {
	rows := Rows(20)
	p.expect(p.open(), slices.Concat(rows, rows[:5], rows), 20, 25)
	p.checkRead(rows)
}

func twoWorkspaces(p *suite) {
	rows := bare(2)
	rows[1].EventID, rows[1].Workspace = rows[0].EventID, "other"
	p.expect(p.open(), rows, 2, 0)
	p.checkRead(rows)
}

// twoMetrics writes two metrics under one id, as in Customer.io's own examples, and two
// events without a metric under one id.
func twoMetrics(p *suite) {
	sink := p.open()
	rows := bare(5)
	for i, metric := range []webhook.Metric{"sent", "bounced", "sent", "", ""} {
		rows[i].EventID, rows[i].Metric = "one", metric
	}
	rows[4].ObjectType = "email" // a better parser may find another object type
	p.expect(sink, rows[:1], 1, 0)
	p.expect(sink, rows, 2, 3)
	p.expect(sink, rows, 0, 5)
	p.expect(p.open(), rows[3:], 0, 2)
	p.checkRead([]warehouse.Row{rows[0], rows[1], rows[3]})
}

// unstorable checks that rejected rows are named by their indexes: the first row, the
// last row and rows in between.
func unstorable(p *suite) {
	sink := p.open()
	rows := bare(9)
	rows[0].EventID = ""
	rows[2].Workspace = ""
	rows[3].ReceivedAt = time.Time{}
	rows[5].Raw = nil
	rows[6].Timestamp = time.Date(10_000, time.January, 1, 0, 0, 0, 0, time.UTC)
	rows[8].ReceivedAt = time.Date(-1, time.January, 1, 0, 0, 0, 0, time.UTC)
	p.checkRejected(p.write(sink, rows), 0, 2, 3, 5, 6, 8)
	p.checkRejected(p.write(sink, rows[:1]), 0)
	p.checkRead([]warehouse.Row{rows[1], rows[4], rows[7]})
}

func poison(p *suite) {
	if p.Poison == nil {
		p.t.Skip("this warehouse stores every row that passes Row.Check")
	}
	if p.Strict != nil {
		p.Strict(p.t, p.Warehouse)
	}
	sink := p.open()
	rows := Rows(200)
	bad := []int{0, 77, 78, 199}
	for _, i := range bad {
		p.Poison(&rows[i])
		if err := rows[i].Check(); err != nil {
			p.t.Fatalf("Poison made a row that Check refuses: %v", err)
		}
	}
	p.checkRejected(p.write(sink, rows), bad...)
	p.checkRejected(p.write(sink, rows), bad...) // as after a lost acknowledgement
	p.checkRejected(p.write(sink, rows[77:79]), 0, 1)
	good := slices.Concat(rows[1:77], rows[79:199])
	p.checkRead(good)
	p.expect(sink, bare(3), 3, 0) // the sink goes on
	p.checkRead(append(good, bare(3)...))
}

// oddJSON writes bodies that encoding/json accepts and other parsers refuse. The
// warehouse may store such a row in another form or reject the row, but must store the
// other rows of the batch.
func oddJSON(p *suite) {
	bodies := []string{`{"x":"\ud800"}`, `{"x":1e999}`, `{"x":"\u0000"}`, `{"x":1,"x":2}`, "{\"x\":\"\xff\"}", nested(5_000)}
	rows := bare(2 * len(bodies))
	var good []warehouse.Row
	for i, body := range bodies {
		rows[2*i].Raw = []byte(body)
		good = append(good, rows[2*i+1])
	}
	result := p.write(p.open(), rows)
	for _, rejection := range result.Rejected {
		if rejection.Index%2 == 1 {
			p.t.Errorf("row %d was rejected: %v; its body is {}", rejection.Index, rejection.Err)
		}
	}
	read := p.Read(p.t)
	if want := len(rows) - len(result.Rejected); len(read) != want {
		p.t.Errorf("a reader sees %d rows; want %d, all but the rejected ones", len(read), want)
	}
	p.checkSome(read, good)
}
