package main

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cioevents/cioevents/internal/people"
	"github.com/cioevents/cioevents/internal/warehouse"
)

// find, the plan and the receipt name what an erasure leaves behind, the receipt without
// identifiers.
func TestPersonFurther(t *testing.T) {
	t.Parallel()
	s := newPersonShell(t)
	s.env["WAREHOUSE_URL"] = "duckdb:" + filepath.Join(t.TempDir(), "e.duckdb")
	var rows []warehouse.Row
	for i, identifiers := range []string{
		`"id":"p42","email":"ph@x.example"`, `"id":"p42","phone":"+491707654321"`, `"id":"p42","email":"ph-new@x.example"`, `"email":"ph-new@x.example"`,
	} {
		m := personMessage(t, string(rune('p'+i)), `{"event_id":"ID","metric":"opened","object_type":"email","timestamp":1772366400,"data":{"identifiers":{`+identifiers+`}}}`)
		if _, err := s.pub.Publish(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		var row warehouse.Row
		if err := row.Parse(m.Body, warehouse.Origin{EventID: m.ID, Workspace: m.Workspace, ReceivedAt: m.ReceivedAt, Sequence: uint64(4 + i)}); err != nil {
			t.Fatal(err)
		}
		rows = append(rows, row)
	}
	write(t, s.env["WAREHOUSE_URL"], rows)
	args := func(command string, more ...string) []string {
		return append([]string{"person", command, "--workspace", "acme", "--email", "ph@x.example"}, more...)
	}
	const stay = "Events with one of them alone stay: 1 in stream, 1 in warehouse duckdb."
	for _, command := range []string{"find", "erase"} {
		out := s.ok(args(command)...)
		if !strings.Contains(out, "FURTHER") || !strings.Contains(out, "ph-new@x.example") || !strings.Contains(out, stay) || !strings.Contains(out, "name them, too: --email, --phone") {
			t.Errorf("%s:\n%s", command, out)
		}
	}
	if _, errs, code := s.run(args("export")...); code != 0 || !strings.Contains(errs, "2 further identifiers") || strings.Contains(errs, "x.example") {
		t.Errorf("export: code %d\n%s", code, errs)
	}
	if got := read[[]personFound](s, args("find")...); len(got[0].Further) != 2 || got[0].Stores[0].Stay != 1 {
		t.Errorf("find: %+v", got)
	}
	out, errs, code := s.run(args("erase", "--yes")...)
	if code != 0 || !strings.Contains(out, stay) || !strings.Contains(out, "email, phone") || strings.Contains(out+errs, "x.example") {
		t.Errorf("erase --yes: code %d\n%s%s", code, out, errs)
	}
	out, errs, code = s.run("person", "erase", "--workspace", "acme", "--email", "ph-new@x.example", "--yes", "--output", "json")
	var r people.Receipt
	if err := json.Unmarshal([]byte(out), &r); err != nil || code != 0 || r.Stores[0].Erased != 1 || r.Stores[2].Erased != 1 || len(r.Persons[0].Further) != 0 {
		t.Errorf("erase by the further address: code %d, %v\n%s%s", code, err, out, errs)
	}
}
