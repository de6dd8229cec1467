package warehousetest

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/pkg/webhook"
	"github.com/cioevents/cioevents/pkg/webhook/webhooktest"
)

var receivedAt = time.Date(2025, time.September, 8, 12, 30, 0, 123_456_789, time.UTC)

// Rows returns n rows of a simulated campaign. The worker would make the same rows.
func Rows(n int) []warehouse.Row {
	var rows []warehouse.Row
	for body := range (webhooktest.Campaign{Seed: 1, Deliveries: n}).Events() {
		if len(rows) == n {
			break
		}
		rows = append(rows, workersRow(body, len(rows)+1))
	}
	return rows
}

// Samples returns a row for each sample body of package webhooktest. The samples have
// every object type and every shape.
func Samples() []warehouse.Row {
	var rows []warehouse.Row
	for i, p := range webhooktest.Payloads() {
		rows = append(rows, workersRow(p.Body, i+1))
	}
	return rows
}

// StoredRows returns the rows that a worker makes of stored payloads, as a replay of the
// stream would. Each element of stored has event_id, workspace, received_at,
// stream_sequence and payload.
func StoredRows(t *testing.T, stored [][]any) []warehouse.Row {
	t.Helper()
	rows := make([]warehouse.Row, len(stored))
	for i, v := range stored {
		//nolint:errcheck,forcetypeassert,gosec // a value of another type ends the test
		payload, o := v[4].(string), warehouse.Origin{EventID: v[0].(string), Workspace: v[1].(string), ReceivedAt: v[2].(time.Time), Sequence: uint64(v[3].(int64))}
		err := rows[i].Parse([]byte(payload), o)
		if err != nil {
			t.Fatal(err)
		}
	}
	return rows
}

// workersRow returns the row that a worker makes of the nth message in the stream.
func workersRow(body []byte, n int) warehouse.Row {
	e, err := webhook.Parse(body)
	if err != nil {
		panic(fmt.Sprintf("warehousetest: parse sample: %v", err))
	}
	return warehouse.NewRow(e, warehouse.Origin{
		EventID: cmp.Or(e.ID, fmt.Sprintf("sha256-%d", n)), Workspace: "default",
		Sequence: uint64(n), ReceivedAt: receivedAt.Add(time.Duration(n) * time.Millisecond), //nolint:gosec // small numbers
	})
}

// bare returns n rows with values in the required columns only.
func bare(n int) []warehouse.Row {
	rows := make([]warehouse.Row, n)
	for i := range rows {
		rows[i] = warehouse.NewRow(&webhook.Event{Raw: []byte("{}")},
			warehouse.Origin{EventID: fmt.Sprintf("event-%05d", i), Workspace: "default", ReceivedAt: receivedAt})
	}
	return rows
}

// full returns a row with a different value in every field, so that the suite notices
// two columns with swapped values.
func full() warehouse.Row {
	var r warehouse.Row
	n := 0
	fill(reflect.ValueOf(&r.Event).Elem(), &n)
	fill(reflect.ValueOf(&r.Origin).Elem(), &n)
	fill(reflect.ValueOf(&r.Derived).Elem(), &n)
	r.ErasedAt = receivedAt.Add(-time.Hour)
	r.RecipientList, r.Preferences = `[{"device_id":"1"}]`, `{"topics":{"topic_7":false}}`
	return r
}

// fill gives each field of a struct a value of its own; n counts the fields.
func fill(v reflect.Value, n *int) {
	for i := range v.NumField() {
		*n++
		name := v.Type().Name() + "." + v.Type().Field(i).Name
		if v.Field(i).Kind() == reflect.String {
			v.Field(i).SetString(name + ` ü"\'`)
			continue
		}
		switch f := v.Field(i).Addr().Interface().(type) {
		case *int64:
			*f = int64(*n) << 33
		case *uint64:
			*f = uint64(*n) << 33 //nolint:gosec // A small positive number.
		case **bool:
			*f = new(*n%2 == 0)
		case *time.Time:
			*f = receivedAt.Add(time.Duration(*n) * time.Hour)
		case *[]byte:
			*f = fmt.Appendf(nil, `{"of":%q}`, name)
		case *webhook.Identifiers:
			fill(v.Field(i), n)
		case *[]webhook.Recipient, *map[string][]string: // no column
		default:
			panic("warehousetest: full has no value for field " + name)
		}
	}
}

// OlderColumns returns the columns of the first release, whose last column is payload,
// for Features.Older.
func OlderColumns() []warehouse.Column {
	columns := warehouse.Columns()
	payload := slices.IndexFunc(columns, func(c warehouse.Column) bool { return c.Name == "payload" })
	return columns[:payload+1]
}
