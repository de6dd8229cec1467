package bigqueryfake_test

import (
	"strings"
	"testing"
	"time"

	"cloud.google.com/go/bigquery"
	"cloud.google.com/go/bigquery/storage/managedwriter"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/cioevents/cioevents/internal/warehouse/bigquery/bigqueryfake"
)

func TestRowsComeBackByType(t *testing.T) {
	t.Parallel()
	e := start(t, bigqueryfake.Config{})
	at := time.Date(2026, 11, 1, 12, 0, 0, 123456000, time.UTC)
	full := event("a").number(2, -7).number(3, 1).number(4, at.UnixMicro())
	if a := e.send(t, [][]byte{full, event("b")}); a.err != nil {
		t.Fatal(a.err)
	}

	want := []map[string]any{
		{"event_id": "a", "campaign_id": int64(-7), "is_machine": true, "timestamp": at, "payload": `{"event_id":"a"}`},
		{"event_id": "b", "campaign_id": nil, "is_machine": nil, "timestamp": nil, "payload": `{"event_id":"b"}`},
	}
	if diff := cmp.Diff(want, e.server.Rows("p", "d", "events")); diff != "" {
		t.Error(diff)
	}
	if got := e.server.Rows("p", "d", "none"); got != nil || e.server.Len("p", "d", "none") != 0 {
		t.Errorf("a missing table has the rows %v", got)
	}
}

// A snapshot stays as it was. Another version tells of later rows.
func TestSnapshot(t *testing.T) {
	t.Parallel()
	e := start(t, bigqueryfake.Config{})
	send := func(id string) (rows []map[string]any, version int) {
		if a := e.send(t, [][]byte{event(id)}); a.err != nil {
			t.Fatal(a.err)
		}
		return e.server.Snapshot("p", "d", "events")
	}
	first, version := send("a")
	second, later := send("b")
	e.server.Truncate("p", "d", "events")
	third, last := e.server.Snapshot("p", "d", "events")
	want := []map[string]any{{"event_id": "a", "payload": `{"event_id":"a"}`}}
	if diff := cmp.Diff(want, first); diff != "" {
		t.Error(diff)
	}
	if len(second) != 2 || len(third) != 0 || version >= later || later >= last {
		t.Errorf("%d rows of version %d, and %d of version %d after version %d", len(second), later, len(third), last, version)
	}
}

func TestOneBadRowRefusesAll(t *testing.T) {
	t.Parallel()
	e := start(t, bigqueryfake.Config{})
	const tooLate = 253402300800000000 // 10000-01-01
	rows := [][]byte{
		event("good"),
		row(nil).text(1, "no payload"),
		row(nil).text(1, "not JSON").text(5, "{"),
		event("late").number(4, tooLate),
		event("\xff"),
		event("unknown field").text(99, "x"),
		[]byte("no message"),
		row(nil).text(1, "too deep").text(5, nested(501)),
		row(nil).text(1, "deep, and good").text(5, nested(500)),
	}
	a := e.send(t, rows)
	if status.Code(a.err) != codes.InvalidArgument {
		t.Fatalf("got %v, want InvalidArgument", a.err)
	}
	if diff := cmp.Diff([]int64{1, 2, 3, 4, 5, 6, 7}, a.badRows(t)); diff != "" {
		t.Error(diff)
	}
	if e.len() != 0 {
		t.Errorf("%d rows of a refused request were stored", e.len())
	}
	if a := e.send(t, [][]byte{rows[0], rows[8]}); a.err != nil || e.len() != 2 {
		t.Errorf("the good rows alone: %v, %d rows", a.err, e.len())
	}
}

func TestJSONThatBigQueryRefuses(t *testing.T) {
	t.Parallel()
	e := start(t, bigqueryfake.Config{})
	for text, accepted := range map[string]bool{
		`0`: true, `-0`: true, `1.50`: true, `1E2`: true, `-0.1e-7`: true, `0e999`: true, `18446744073709551615`: true,
		`9223372036854775807`: true, `0.30000000000000004`: true, `1e300`: true,
		`18446744073709551616`: false, `1e400`: false, `1e-400`: false, `3.141592653589793238`: false, `[1,{"x":-1e999}]`: false,
		`"1e400"`: true, `"\\ud83d"`: true, `"\ud83d\ude00"`: true, `"\u00e9\n"`: true,
		`"\ud83d"`: false, `"\ude00\ud83d"`: false, `{"\ud83d":1}`: false, `"\ud83d\u0041"`: false, `["\ud83d\\"]`: false,
	} {
		if a := e.send(t, [][]byte{row(nil).text(1, "x").text(5, text)}); (a.err == nil) != accepted {
			t.Errorf("%s: %v", text, a.err)
		}
	}
}

// nested returns n nested arrays around a text with brackets.
func nested(n int) string {
	return strings.Repeat("[", n) + `"\"[[["` + strings.Repeat("]", n)
}

func TestLimitOfARequest(t *testing.T) {
	t.Parallel()
	e := start(t, bigqueryfake.Config{})
	// 8 MiB of payload must go through; 10 MiB must not.
	if a := e.send(t, [][]byte{big(8 << 20)}); a.err != nil {
		t.Error(a.err)
	}
	if a := e.send(t, [][]byte{big(bigqueryfake.MaxRequestBytes)}); status.Code(a.err) != codes.InvalidArgument {
		t.Errorf("got %v, want InvalidArgument", a.err)
	}
}

func big(n int) row {
	b := make([]byte, n)
	for i := range b {
		b[i] = 'x'
	}
	b[0], b[n-1] = '"', '"'
	return row(nil).text(1, "big").text(5, string(b))
}

func TestDiscardCounts(t *testing.T) {
	t.Parallel()
	e := start(t, bigqueryfake.Config{Discard: true})
	rows := [][]byte{[]byte("not"), []byte("decoded")}
	if a := e.send(t, rows); a.err != nil {
		t.Fatal(a.err)
	}
	if got := e.server.Rows("p", "d", "events"); e.len() != 2 || len(got) != 0 {
		t.Errorf("%d rows were counted and %d kept", e.len(), len(got))
	}
	if diff := cmp.Diff(bigqueryfake.Counts{Connections: 1, Appends: 1}, e.server.Counts()); diff != "" {
		t.Error(diff)
	}
}

func TestOffsetsAreForOtherStreams(t *testing.T) {
	t.Parallel()
	e := start(t, bigqueryfake.Config{})
	if a := e.send(t, batch(1), managedwriter.WithOffset(0)); status.Code(a.err) != codes.InvalidArgument {
		t.Errorf("got %v, want InvalidArgument", a.err)
	}
}

func TestDestinationMustBeATable(t *testing.T) {
	t.Parallel()
	e := start(t, bigqueryfake.Config{})
	if err := e.client.Dataset("d").Table("view").Create(t.Context(), &bigquery.TableMetadata{ViewQuery: "SELECT 1"}); err != nil {
		t.Fatal(err)
	}
	w := writer(t, e.server)
	for table, want := range map[string]codes.Code{"view": codes.InvalidArgument, "none": codes.NotFound} {
		_, err := w.NewManagedStream(t.Context(), managedwriter.WithType(managedwriter.DefaultStream),
			managedwriter.WithDestinationTable(managedwriter.TableParentFromParts("p", "d", table)),
			managedwriter.WithSchemaDescriptor(descriptor(t, schema())))
		if status.Code(err) != want {
			t.Errorf("%s: got %v, want %v", table, err, want)
		}
	}
	// The library drops the code of this error.
	_, err := w.NewManagedStream(t.Context(), managedwriter.WithStreamName("projects/p/datasets/d/tables/events/streams/other"),
		managedwriter.WithSchemaDescriptor(descriptor(t, schema())))
	if err == nil || !strings.Contains(err.Error(), "STREAM_NOT_FOUND") {
		t.Errorf("another stream: got %v, want STREAM_NOT_FOUND", err)
	}
}

// badRows returns the indexes of row_errors.
func (a answer) badRows(t *testing.T) []int64 {
	t.Helper()
	resp, _ := a.FullResponse(t.Context())
	var bad []int64
	for _, e := range resp.GetRowErrors() {
		bad = append(bad, e.GetIndex())
	}
	return bad
}
