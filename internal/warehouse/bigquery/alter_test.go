package bigquery_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/bigquery/bigqueryfake"
)

// A number that BigQuery cannot store must not cost the whole event.
func TestRefusedNumbersBecomeTexts(t *testing.T) {
	t.Parallel()
	p := start(t, bigqueryfake.Config{})
	sink := open(t, p.config())
	bodies := []struct{ body, want string }{
		{`{"event_id":"e1","x":1e400}`, `{"event_id":"e1","x":"1e400"}`},
		{`{"event_id":"e2","x":1.5}`, ""},
		{`{"event_id":"e3","x":[18446744073709551616, 18446744073709551615, -1, 1.5, "2.5\"1e400"]}`, `{"event_id":"e3","x":["18446744073709551616", 18446744073709551615, -1, "1.5", "2.5\"1e400"]}`},
		{`{"event_id":"e4","x":"1e400","\\":-1e999}`, `{"event_id":"e4","x":"1e400","\\":"-1e999"}`},
		{`{"event_id":"e5","x":true,"y":false,"z":null}`, ""},
		{`{"event_id":"e6","x":1e400,"y":` + strings.Repeat("[", 501) + strings.Repeat("]", 501) + `}`, "rejected"},
	}
	batch := make([]warehouse.Row, len(bodies))
	for i, b := range bodies {
		batch[i] = rowOf(t, []byte(b.body))
	}
	result, err := sink.Write(t.Context(), batch)
	if err != nil || result.Inserted != 5 || len(result.Rejected) != 1 || result.Rejected[0].Index != 5 {
		t.Fatalf("result is %+v, %v; want row 5 rejected", result, err)
	}
	read := map[any]map[string]any{}
	for _, row := range p.Read(t) {
		read[row["event_id"]] = row
	}
	for i, b := range bodies[:5] {
		var altered any
		want := b.body
		if b.want != "" {
			want, altered = b.want, true
		}
		if got := read[batch[i].EventID]; got["payload"] != want || got["payload_altered"] != altered {
			t.Errorf("%s: payload is %v, altered: %v; want %s", b.body, got["payload"], got["payload_altered"], want)
		}
		if string(batch[i].Raw) != b.body || batch[i].PayloadAltered != nil {
			t.Errorf("Write changed the caller's row to %s", batch[i].Raw)
		}
	}
}

func TestRefusedPreferencesBecomeTexts(t *testing.T) {
	t.Parallel()
	p := start(t, bigqueryfake.Config{})
	row := bodyRow(t, "preference change")
	row.Raw = bytes.ReplaceAll(row.Raw, []byte("false"), []byte("1e400"))
	row.Preferences = `{"topics":{"topic_7":1e400}}`
	if result, _ := write(t, open(t, p.config()), []warehouse.Row{row}); result.Inserted != 1 {
		t.Fatalf("result is %+v", result)
	}
	// The number in the payload is within a text already.
	if got := p.Read(t)[0]; got["preferences"] != `{"topics":{"topic_7":"1e400"}}` || got["payload_altered"] != nil {
		t.Errorf("the row is %v", got)
	}
}

// BigQuery may refuse the whole request without naming the row.
func TestUnexplainedNumbersBecomeTexts(t *testing.T) {
	t.Parallel()
	p := start(t, bigqueryfake.Config{})
	sink := open(t, p.config())
	p.Fault(func(r bigqueryfake.Request) bigqueryfake.Fault {
		for _, row := range r.Wire {
			if bytes.Contains(row, []byte("67.174118")) && !bytes.Contains(row, []byte(`"67.174118"`)) {
				return bigqueryfake.Fault{Kind: bigqueryfake.Refused}
			}
		}
		return bigqueryfake.Fault{}
	})
	batch := rows(t, 0, 10)
	batch[3].Raw = []byte(`{"latitude":67.174118}`)
	result, err := sink.Write(t.Context(), batch)
	if err != nil || result.Inserted != 10 {
		t.Fatalf("result is %+v, %v", result, err)
	}
	for _, row := range p.Read(t) {
		if (row["payload_altered"] == true) != (row["payload"] == `{"latitude":"67.174118"}`) {
			t.Errorf("the payload is %v, altered: %v", row["payload"], row["payload_altered"])
		}
	}
	wantRows(t, p, batch)
}
