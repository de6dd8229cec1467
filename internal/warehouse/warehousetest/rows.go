package warehousetest

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/pkg/webhook"
	"github.com/cioevents/cioevents/pkg/webhook/webhooktest"
)

var receivedAt = time.Date(2025, time.September, 8, 12, 30, 0, 123_456_789, time.UTC)

// Rows returns n rows of a simulated campaign, as the worker would make them.
func Rows(n int) []warehouse.Row {
	var m maker
	for body := range (webhooktest.Campaign{Seed: 1, Deliveries: n}).Events() {
		if len(m.rows) == n {
			break
		}
		m.add(body)
	}
	return m.rows
}

// Samples returns a row of each sample body of package webhooktest: every
// object type and shape.
func Samples() []warehouse.Row {
	var m maker
	for _, p := range webhooktest.Payloads() {
		m.add(p.Body)
	}
	return m.rows
}

// A maker makes rows as a worker does that reads the stream from its beginning.
type maker struct {
	rows     []warehouse.Row
	sequence uint64
	at       time.Duration
}

func (m *maker) add(body []byte) {
	e, err := webhook.Parse(body)
	if err != nil {
		panic(fmt.Sprintf("warehousetest: parse sample: %v", err))
	}
	m.sequence++
	m.at += time.Millisecond
	m.rows = append(m.rows, warehouse.NewRow(e, warehouse.Origin{
		EventID: cmp.Or(e.ID, fmt.Sprintf("sha256-%d", m.sequence)), Workspace: "default",
		Sequence: m.sequence, ReceivedAt: receivedAt.Add(m.at),
	}))
}

// bare returns n rows that have only what every row must have.
func bare(n int) []warehouse.Row {
	rows := make([]warehouse.Row, n)
	for i := range rows {
		rows[i] = warehouse.Row{EventID: fmt.Sprintf("event-%05d", i), Workspace: "default", ReceivedAt: receivedAt, Payload: []byte("{}")}
	}
	return rows
}

// full returns a row with a value in every field, no two alike, so that two
// columns that change places are seen.
func full() warehouse.Row {
	var r warehouse.Row
	v := reflect.ValueOf(&r).Elem()
	for i := range v.NumField() {
		name := v.Type().Field(i).Name
		switch f := v.Field(i).Addr().Interface().(type) {
		case *string:
			*f = name + ` ü"\'`
		case *int64:
			*f = int64(i) << 33
		case *uint64:
			*f = uint64(i) << 33
		case **bool:
			*f = new(i%2 == 0)
		case *time.Time:
			*f = receivedAt.Add(time.Duration(i) * time.Hour)
		case *[]byte:
			*f = fmt.Appendf(nil, `{"of":%q}`, name)
		default:
			panic("warehousetest: full has no value for field " + name)
		}
	}
	return r
}

// OlderColumns returns the columns of the release before, for Features.Older.
func OlderColumns() []warehouse.Column {
	columns := warehouse.Columns()
	payload := len(columns) - 1
	return slices.Delete(columns, payload-2, payload)
}
