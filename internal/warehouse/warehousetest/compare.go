package warehousetest

import (
	"encoding/json"
	"fmt"
	"reflect"
	"time"

	"github.com/cioevents/cioevents/internal/warehouse"
)

// maxDifferences bounds the number of reported differences.
const maxDifferences = 5

func (p *suite) checkResult(r warehouse.Result, rows int) {
	p.t.Helper()
	if sum := r.Inserted + r.Duplicates + len(r.Rejected); sum != rows {
		p.t.Errorf("Result has %d inserted, %d duplicates and %d rejected, together %d; want %d, the rows of the batch",
			r.Inserted, r.Duplicates, len(r.Rejected), sum, rows)
	}
	seen := map[int]bool{}
	for _, rejection := range r.Rejected {
		switch i := rejection.Index; {
		case i < 0 || i >= rows:
			p.t.Errorf("Rejection has index %d in a batch of %d rows", i, rows)
		case seen[i]:
			p.t.Errorf("row %d is rejected twice", i)
		case rejection.Err == nil:
			p.t.Errorf("row %d is rejected without an error; the dead letter has no other reason", i)
		default:
			seen[i] = true
		}
	}
}

// checkRejected checks that exactly the rows at the wanted indexes, which are
// in order, were rejected.
func (p *suite) checkRejected(r warehouse.Result, want ...int) {
	p.t.Helper()
	rejected := map[int]error{}
	for _, rejection := range r.Rejected {
		rejected[rejection.Index] = rejection.Err
	}
	for _, i := range want {
		if _, ok := rejected[i]; !ok {
			p.t.Errorf("row %d was not rejected; no warehouse can store the row, so Result.Rejected must name its index", i)
		}
		delete(rejected, i)
	}
	for i, err := range rejected {
		p.t.Errorf("row %d was rejected: %v; the row is good and must be stored in the same call", i, err)
	}
}

// checkRead checks that a reader sees each wanted row once, and no other row.
func (p *suite) checkRead(want []warehouse.Row) {
	p.t.Helper()
	read := map[warehouse.Key]map[string]any{}
	for _, values := range p.Read(p.t) {
		key := keyOf(values)
		if read[key] != nil {
			p.t.Errorf("a reader sees event %+v twice; each event must be seen once", key)
		}
		read[key] = values
	}
	var differences []string
	for i := range want {
		key := want[i].Key()
		differences = append(differences, p.differences(&want[i], read[key])...)
		delete(read, key)
	}
	for key := range read {
		differences = append(differences, fmt.Sprintf("a reader sees event %+v, which was not written", key))
	}
	for i, d := range differences {
		if i == maxDifferences {
			p.t.Errorf("… and %d more", len(differences)-i)
			break
		}
		p.t.Error(d)
	}
}

func keyOf(values map[string]any) warehouse.Key {
	metric, _ := values["metric"].(string) // nil for NULL
	return warehouse.Key{Workspace: fmt.Sprint(values["workspace"]), EventID: fmt.Sprint(values["event_id"]), Metric: metric}
}

// checkSome checks that the wanted rows are among the rows of a reader.
func (p *suite) checkSome(read []map[string]any, want []warehouse.Row) {
	p.t.Helper()
	byID := map[any]map[string]any{}
	for _, values := range read {
		byID[values["event_id"]] = values
	}
	for i := range want {
		for _, d := range p.differences(&want[i], byID[want[i].EventID]) {
			p.t.Error(d)
		}
	}
}

// differences compares a row with the values that a reader sees.
func (p *suite) differences(r *warehouse.Row, read map[string]any) []string {
	if read == nil {
		return []string{fmt.Sprintf("a reader does not see event %+v, which Write has stored", r.Key())}
	}
	var differences []string
	for _, c := range warehouse.Columns() {
		got, ok := read[c.Name]
		want := p.value(&c, r)
		switch {
		case !ok:
			differences = append(differences, fmt.Sprintf("event %q: column %s was not read; the table must have every column of warehouse.Columns", r.EventID, c.Name))
		case !p.equal(&c, got, want):
			differences = append(differences, fmt.Sprintf("event %q: column %s is %.120v (%T); want %.120v (%T)", r.EventID, c.Name, got, got, want, want))
		}
	}
	return differences
}

func (p *suite) equal(c *warehouse.Column, got, want any) bool {
	if g, ok := got.(time.Time); ok {
		w, ok := want.(time.Time)
		return ok && g.Equal(w)
	}
	if p.ReformatsJSON && c.Type == warehouse.JSON {
		g, ok := got.(string)
		return ok && reflect.DeepEqual(decoded(g), decoded(fmt.Sprint(want)))
	}
	return got == want
}

func decoded(text string) any {
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		return err.Error()
	}
	return v
}

// value returns the value of a row's column that a reader of the warehouse must see.
func (p *suite) value(c *warehouse.Column, r *warehouse.Row) any {
	if c.Name == "timestamp" && p.Timestamp != nil {
		changed := *r
		changed.Timestamp = p.Timestamp(r.Timestamp)
		r = &changed
	}
	return Value(c, r)
}

// Value returns the value of a row's column that a reader must see, nil for NULL.
func Value(c *warehouse.Column, r *warehouse.Row) any {
	switch c.Type {
	case warehouse.Integer:
		return orNil(c.Integer(r))
	case warehouse.Boolean:
		if v := c.Boolean(r); v != nil {
			return *v
		}
		return nil
	case warehouse.Timestamp:
		return orNil(c.Time(r).UTC().Truncate(time.Microsecond))
	default:
		return orNil(c.Text(r))
	}
}

// orNil returns v, or nil when v is the zero value, which is NULL in the table.
func orNil[T comparable](v T) any {
	var zero T
	if v == zero {
		return nil
	}
	return v
}
