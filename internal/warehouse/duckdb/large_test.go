package duckdb_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/duckdb"
	"github.com/cioevents/cioevents/pkg/webhook"
)

// Batches of whole e-mails need more memory than DuckDB gets at first. Without it
// DuckDB refuses a commit, or ends the process when it cannot even take a text.
func TestLargeRows(t *testing.T) {
	t.Parallel()
	const batches, each = 3, 24
	path := filepath.Join(t.TempDir(), "e.duckdb")
	sink := open(t, path)
	payload := `{"data":{"content":"` + strings.Repeat("x", 1<<20) + `"}}`
	for b := range batches {
		rows := make([]warehouse.Row, each)
		for i := range rows {
			rows[i] = row("w", fmt.Sprintf("%d-%d", b, i), payload)
		}
		got, err := sink.Write(t.Context(), rows)
		if err != nil || got.Inserted+got.Duplicates != each || len(got.Rejected) > 0 {
			t.Fatalf("batch %d ends with %+v, %v; want all %d rows stored", b, got, err, each)
		}
	}
	if err := sink.Close(); err != nil {
		t.Fatal(err)
	}
	table, err := duckdb.Query(t.Context(), path,
		"SELECT count(*)::INTEGER, count(DISTINCT event_id)::INTEGER, min(strlen(payload))::INTEGER FROM messaging.customerio_events")
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprint([]any{int32(batches * each), int32(batches * each), int32(len(payload))})
	if got := fmt.Sprint(table.Rows[0]); got != want {
		t.Errorf("rows, different ones, shortest payload are %s, want %s", got, want)
	}
}

// A named compression is no obstacle to texts that are longer than a block of the file, in
// any column.
func TestLongTexts(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "e.duckdb")
	sink := open(t, path)
	long := strings.Repeat("é", 150_000)
	r := row(long, long, `{"a":"`+long+`"}`)
	r.Metric, r.ObjectType, r.Shape = webhook.Metric(long), webhook.ObjectType(long), webhook.Shape(long)
	r.Source, r.SourceID, r.Bounce, r.Domain, r.Provider = long, long, long, long, long
	r.PersonID, r.Identifiers.CioID, r.Identifiers.Email, r.Address, r.Recipient = long, long, long, long, long
	if got, err := sink.Write(t.Context(), []warehouse.Row{row("w", "1", `{}`), r}); err != nil || got.Inserted != 2 {
		t.Fatalf("write: %+v, %v", got, err)
	}
	if err := sink.Close(); err != nil {
		t.Fatal(err)
	}
	table, err := duckdb.Query(t.Context(), path, `SELECT count(*)::INTEGER FROM messaging.customerio_events WHERE least(length(event_id),
		length(metric), length(object_type), length(workspace), length(shape), length(source), length(source_id), length(bounce_class),
		length(recipient_domain), length(mailbox_provider), length(customer_id), length(cio_id), length(identifier_email),
		length(email_address), length(recipient), length(payload)) >= 150000`)
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(table.Rows[0][0]); got != "1" {
		t.Errorf("%s rows have all long texts, want 1", got)
	}
}

// A backlog of events with the content of an e-mail fits into the memory that the sizing
// table of docs/operations.md gives a worker.
func TestMemoryForLargeRows(t *testing.T) {
	if testing.Short() {
		t.Skip("writes 280 MB")
	}
	t.Parallel()
	said := startChild(t, "large", filepath.Join(t.TempDir(), "e.duckdb")).end()
	var peak int
	if len(said) != 1 {
		t.Fatalf("the writer said %q", said)
	}
	if _, err := fmt.Sscanf(said[0], "peak %d", &peak); err != nil {
		t.Fatalf("the writer said %q", said)
	}
	t.Logf("the writer took %d MiB", peak)
	if peak > 400 {
		t.Errorf("the writer took %d MiB; want at most 400", peak)
	}
}
