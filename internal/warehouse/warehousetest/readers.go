package warehousetest

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cioevents/cioevents/internal/warehouse"
)

// A Dialect has statements for Readers that differ between warehouses.
type Dialect struct {
	// Endless returns more than 100,000 rows, and more than fit into memory if the warehouse
	// computes rows while a reader reads. FailsLate fails after some hundred rows. Slow
	// computes for minutes before the first row.
	Endless, FailsLate, Slow string
	// Refused are statements that a reader must not run.
	Refused []string
}

// Readers runs the suite of warehouse.Reader. Open returns a reader of a warehouse
// with Rows(1000).
func Readers(t *testing.T, d Dialect, open func(t *testing.T) warehouse.Reader) {
	t.Helper()
	for name, run := range map[string]func(*testing.T, Dialect, warehouse.Reader){
		"rows": readRows, "a query is one statement": oneStatement, "nothing is changed": refused, "rows are streamed": streamed,
		"an error after rows": failsLate, "the context ends before rows": endsBefore, "the context ends between rows": endsBetween,
		"names that are missing": missingNames, "closed": closed,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := open(t)
			t.Cleanup(func() {
				if err := r.Close(); err != nil {
					t.Errorf("close: %v", err)
				}
			})
			run(t, d, r)
		})
	}
}

func mustRead(t *testing.T, r warehouse.Reader, statement string) *warehouse.Table {
	t.Helper()
	table, err := warehouse.ReadTable(t.Context(), r, statement)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// wantError runs the statement and wants an error with the text.
func wantError(ctx context.Context, t *testing.T, r warehouse.Reader, statement, text string) error {
	t.Helper()
	_, err := warehouse.ReadTable(ctx, r, statement)
	if err == nil || !strings.Contains(err.Error(), text) {
		t.Errorf("%.60s: %v; want an error with %q", statement, err, text)
	}
	return err
}

const countEvents = "SELECT count(*) AS n FROM customerio_events"

func readRows(t *testing.T, _ Dialect, r warehouse.Reader) {
	t.Helper()
	table := mustRead(t, r, "SELECT event_id, received_at, payload, campaign_id, reply_to_number FROM customerio_events ORDER BY received_at")
	if len(table.Rows) != 1000 || !slices.Equal(table.Columns, []string{"event_id", "received_at", "payload", "campaign_id", "reply_to_number"}) {
		t.Fatalf("%d rows with columns %v", len(table.Rows), table.Columns)
	}
	want := Rows(1)[0]
	got := table.Rows[0]
	at, _ := got[1].(time.Time)
	if got[0] != want.EventID || !at.Equal(want.ReceivedAt.Truncate(time.Microsecond)) || got[3] != want.CampaignID || got[4] != nil {
		t.Errorf("the first row is %v; want the row of %s", got, want.EventID)
	}
	if empty := mustRead(t, r, "SELECT event_id FROM customerio_events WHERE false"); len(empty.Columns) != 1 || len(empty.Rows) != 0 {
		t.Errorf("no rows are %+v; want the column", empty)
	}
}

func oneStatement(t *testing.T, _ Dialect, r warehouse.Reader) {
	t.Helper()
	_ = wantError(t.Context(), t, r, "SELECT 1; SELECT 2", "want one statement, have ")
	_ = wantError(t.Context(), t, r, "", "want a statement")
	for _, none := range []string{" ;", "-- nothing"} {
		_ = wantError(t.Context(), t, r, none, "") // each warehouse has its own words
	}
	for _, one := range []string{"SELECT ';' AS a; ", "SELECT 1 -- ; SELECT 2\n;", "/* DELETE */ SELECT 1"} {
		mustRead(t, r, one)
	}
}

func refused(t *testing.T, d Dialect, r warehouse.Reader) {
	t.Helper()
	before := mustRead(t, r, countEvents).Rows[0][0]
	for _, statement := range d.Refused {
		_ = wantError(t.Context(), t, r, statement, "read")
	}
	if after := mustRead(t, r, countEvents).Rows[0][0]; after != before {
		t.Errorf("%v events before the refused statements, %v after them", before, after)
	}
}

func streamed(t *testing.T, d Dialect, r warehouse.Reader) {
	t.Helper()
	for range 2 { // a loop that breaks leaves the reader usable
		rows, err := r.Query(t.Context(), d.Endless)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, err := range rows.Each {
			if err != nil {
				t.Fatal(err)
			}
			n++
			if n == 100_000 {
				break
			}
		}
	}
	mustRead(t, r, countEvents)
}

func failsLate(t *testing.T, d Dialect, r warehouse.Reader) {
	t.Helper()
	rows, err := r.Query(t.Context(), d.FailsLate)
	n := 0
	if err == nil {
		for _, e := range rows.Each {
			n, err = n+1, e
		}
	}
	if err == nil {
		t.Errorf("%d rows and no error", n)
	}
}

func endsBefore(t *testing.T, d Dialect, r warehouse.Reader) {
	t.Helper()
	late := errors.New("too late")
	ctx, cancel := context.WithTimeoutCause(t.Context(), 50*time.Millisecond, late)
	defer cancel()
	begin := time.Now()
	if err := wantError(ctx, t, r, d.Slow, ""); !errors.Is(err, late) {
		t.Errorf("the error is %v; want the cause of the context's end", err)
	}
	if took := time.Since(begin); took > 10*time.Second {
		t.Errorf("the query ended after %s", took)
	}
}

// A caller that is slow or stuck does not keep the reader open.
func endsBetween(t *testing.T, d Dialect, r warehouse.Reader) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	rows, err := r.Query(ctx, d.Endless)
	if err != nil {
		t.Fatal(err)
	}
	for _, err = range rows.Each {
		cancel()
	}
	if !errors.Is(err, context.Canceled) {
		t.Errorf("the rows end with %v", err)
	}
}

func missingNames(t *testing.T, _ Dialect, r warehouse.Reader) {
	t.Helper()
	for statement, text := range map[string]string{
		"SELECT 1 FROM customerio_event":         "customerio_events, customerio_",
		"SELECT campaign FROM customerio_events": "campaign",
	} {
		err := wantError(t.Context(), t, r, statement, text)
		if _, ok := errors.AsType[*warehouse.MissingNameError](err); !ok {
			t.Errorf("%s: %v is no MissingNameError", statement, err)
		}
	}
	if _, ok := errors.AsType[*warehouse.MissingNameError](wantError(t.Context(), t, r, "SELEC 1", "SELEC")); ok {
		t.Error("a syntax error is a MissingNameError")
	}
}

func closed(t *testing.T, _ Dialect, r warehouse.Reader) {
	t.Helper()
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	_ = wantError(t.Context(), t, r, countEvents, "closed")
}
