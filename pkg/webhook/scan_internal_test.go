package webhook

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

func TestValidAgreesWithEncodingJSON(t *testing.T) {
	t.Parallel()
	for _, text := range scanSeeds() {
		if got, want := valid([]byte(text)), json.Valid([]byte(text)); got != want {
			t.Errorf("valid(%.80q) = %v, want %v", text, got, want)
		}
	}
}

// Every prefix of a document is invalid, and so is nearly every change of a byte: a
// systematic search for a missing bounds check.
func TestValidOfDamagedDocument(t *testing.T) {
	t.Parallel()
	document := []byte(` {"a":[1,-0.5e+3,{}],"\u00e9\n":"longer than eight","b":[true,false,null,[]],"":{"x":{}}} `)
	for i := range document {
		check(t, document[:i])
		for c := range 256 {
			damaged := bytes.Clone(document)
			damaged[i] = byte(c)
			check(t, damaged)
		}
	}
}

func TestDepthLimit(t *testing.T) {
	t.Parallel()
	for _, depth := range []int{63, 64, 65, 128, 129, maxDepth, maxDepth + 1} {
		lists := strings.Repeat("[", depth) + strings.Repeat("]", depth)
		check(t, []byte(lists))
		objects := strings.Repeat(`{"a":`, depth) + "1" + strings.Repeat("}", depth)
		check(t, []byte(objects))
		mixed := strings.Repeat(`[{"a":`, depth/2) + "1" + strings.Repeat("}]", depth/2)
		check(t, []byte(mixed))
		crossed := strings.Repeat(`[{"a":`, depth/2) + "1" + strings.Repeat("]}", depth/2)
		check(t, []byte(crossed))
	}
}

// A recursive scanner would need a gigabyte of stack here, and panic.
func TestNestingOfMegabytes(t *testing.T) {
	t.Parallel()
	for _, unit := range []string{"[", `{"a":`} {
		if body := []byte(strings.Repeat(unit, 7<<20/len(unit))); valid(body) {
			t.Errorf("7 MiB of %q are valid", unit)
		}
	}
}

//nolint:paralleltest // AllocsPerRun counts the allocations of all goroutines
func TestAllocations(t *testing.T) {
	body := []byte(`{"event_id":"E","object_type":"email","metric":"sent","data":{"a":[1,-2.5e3,{"b":"\u00e9"}],"c":null}}`)
	if n := testing.AllocsPerRun(100, func() { valid(body) }); n != 0 {
		t.Errorf("valid allocates %v times, want 0", n)
	}
	envelope := func() {
		if _, err := ParseEnvelope(body); err != nil {
			t.Error(err)
		}
	}
	if n := testing.AllocsPerRun(100, envelope); n > 3 {
		t.Errorf("ParseEnvelope allocates %v times, want one for each text", n)
	}
}

func FuzzScan(f *testing.F) {
	for _, text := range scanSeeds() {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) { check(t, text) })
}

// check compares the verdicts of the scanner and of a walk over the text with the verdict
// of encoding/json.
func check(t *testing.T, text []byte) {
	t.Helper()
	want := json.Valid(text)
	if got := valid(text); got != want {
		t.Fatalf("valid(%.80q) = %v, want %v", text, got, want)
	}
	for _, bracket := range []byte("{[") {
		w := walk(text, skipSpace(text, 0), bracket)
		if w.done { // something else
			continue
		}
		for w.next() {
			if !json.Valid(text[w.value.lo:w.value.hi]) {
				t.Fatalf("walk over %.80q yields %.80q", text, text[w.value.lo:w.value.hi])
			}
		}
		if got := w.done && skipSpace(text, w.pos) == len(text); got != want {
			t.Fatalf("walk over %.80q says %v, want %v", text, got, want)
		}
	}
}

func scanSeeds() []string {
	return []string{
		``, ` `, `null`, `nul`, `nulll`, `true`, `false`, `tru`, `"a"`, `"a`, `"`, `a`,
		`0`, `-0`, `01`, `-`, `-a`, `+1`, `1.`, `.5`, `1.5`, `1e5`, `1E+5`, `1e-5`, `1e`, `1e+`, `1.e1`, `0x1`, `1_0`,
		`[]`, `[ ]`, `[1]`, `[1,]`, `[,1]`, `[1 2]`, `[1,2`, `[`, `]`, `[]]`, `[[]`, `[}`,
		`{}`, `{ }`, `{"a":1}`, `{"a":1,}`, `{,"a":1}`, `{"a"}`, `{"a":}`, `{"a" 1}`, `{a:1}`, `{1:1}`, `{`, `}`, `{]`,
		`{"a":1 "b":2}`, `{"a":{"b":[{"c":[]}]}} `, "\t{\r\n\"a\" :\t1 }\n", `{"a":1}x`, `{"a":1}{}`,
		`"\""`, `"\\"`, `"\/\b\f\n\r\t"`, `"\u00e9"`, `"\u00E"`, `"\u00g0"`, `"\x"`, `"\`, `"\u`, `"\ud800"`,
		"\"\x00\"", "\"\x1f\"", "\"\x7f\"", "\"\xff\xfe\"", "\"1234567\x1f\"", "\"1234567\x80\x1f\"", "\"\t\"",
		"\ufeff{}", "\u00a0{}", "\f{}", `{"a":"12345678","b":"1234567\"8"}`, `//`, `{} // no`,
		strings.Repeat("[", 70) + strings.Repeat("]", 70), strings.Repeat("[", 70) + strings.Repeat("]", 69),
	}
}
