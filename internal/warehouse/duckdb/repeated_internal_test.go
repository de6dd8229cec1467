package duckdb

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/pkg/webhook"
)

// storedRow is row i of a table with three of DuckDB's row groups. One id in 1,000 is of a time
// before, so the range of ids of each row group begins with the oldest id.
func storedRow(i int) warehouse.Row {
	at := i
	if i%1000 == 0 {
		at = 0
	}
	return warehouse.NewRow(&webhook.Event{Metric: webhook.Sent, Raw: []byte("{}")}, warehouse.Origin{
		EventID: fmt.Sprintf("01A%07d%016d", at, i), Workspace: "w", ReceivedAt: time.Unix(1_760_000_000+int64(i), 999),
	})
}

const storedRows = 3 * rowGroup

// withStoredRows returns a sink with n rows, an open file and no filter. DuckDB writes the
// profile of the last statement to the other result.
func withStoredRows(t *testing.T, n int) (s *Sink, profile string) {
	t.Helper()
	folder := t.TempDir()
	s, profile = filtered(t, filepath.Join(folder, "e.duckdb")), filepath.Join(folder, "profile.json")
	err := s.file.exec(t.Context(), "TRUNCATE "+eventsTable, fmt.Sprintf(`INSERT INTO %s (event_id, metric, workspace, object_type, "timestamp", received_at, payload)
SELECT printf('01A%%07d%%016d', CASE WHEN i %% 1000 = 0 THEN 0 ELSE i END, i), 'sent', 'w', 'email', to_timestamp(i), to_timestamp(1760000000 + i), '{}'
FROM range(%d) t(i)`, eventsTable, n), "CHECKPOINT",
		"SET enable_profiling = 'json'", fmt.Sprintf("SET profiling_output = '%s'", profile))
	if err != nil {
		t.Fatal(err)
	}
	s.file.known, s.file.rows = nil, 0
	return s, profile
}

// A replay reads the row groups of its rows, although a search by event_id would read all row
// groups.
func TestReplayReadsFewRowGroups(t *testing.T) {
	t.Parallel()
	s, profile := withStoredRows(t, storedRows)
	for _, c := range []struct {
		name   string
		filter bool
		row    func(i int) int
		groups int // the row groups that an insert reads, some more than once
	}{
		{"a first batch, by event_id", false, func(i int) int { return i }, 6}, // three of them again for the key
		{"in order", false, func(i int) int { return i }, 1},
		{"within 50,000 rows", false, func(i int) int { return i * 50_021 % 50_000 }, 1},
		{"with a row of another time", false, func(i int) int { return i + i/999*2*rowGroup }, 2},
		{"a first batch with a filter", true, func(i int) int { return rowGroup + i }, 1},
	} {
		var rows []warehouse.Row
		for i := range 1000 {
			rows = append(rows, storedRow(c.row(i)))
		}
		if c.filter {
			s.repeats, s.file.searching = 0, time.Minute
		}
		if n, err := s.insertNew(t.Context(), s.layOut(rows, indexes(rows))); err != nil || n != 0 {
			t.Errorf("%s: inserted %d, %v", c.name, n, err)
		}
		if got := scannedRows(t, profile) / rowGroup; got != c.groups {
			t.Errorf("%s: an insert reads %d row groups, want %d", c.name, got, c.groups)
		}
	}
}

// scannedRows returns the number of rows, of the table and of the batch, in the row groups that
// the last statement read.
func scannedRows(t *testing.T, profile string) int {
	t.Helper()
	text, err := os.ReadFile(profile)
	if err != nil {
		t.Fatal(err)
	}
	var p struct {
		Rows int `json:"cumulative_rows_scanned"`
	}
	if err := json.Unmarshal(text, &p); err != nil {
		t.Fatal(err)
	}
	return p.Rows
}

// Rows with the received_at and the id of a stored row, but another workspace or metric, are new.
// So is a row without a metric, although somebody has changed the metric of the stored row to "".
// A row with another received_at is not new.
func TestRepeatedRowsAreExact(t *testing.T) {
	t.Parallel()
	s, _ := withStoredRows(t, 10_000)
	if err := s.file.exec(t.Context(), "UPDATE "+eventsTable+" SET metric = '' WHERE event_id = '"+storedRow(5002).EventID+"'"); err != nil {
		t.Fatal(err)
	}
	rows := make([]warehouse.Row, 7)
	for i := range rows {
		rows[i] = storedRow(5000 + i/3)
	}
	rows[0].Metric, rows[1].Workspace, rows[2].ReceivedAt = "", "other", time.Unix(1, 0)
	rows[4].Metric, rows[5].EventID, rows[6].Metric = webhook.Opened, "01A", ""
	for _, want := range []int{5, 0} {
		s.repeats = repeatsAhead
		if n, err := s.insertNew(t.Context(), s.layOut(rows, indexes(rows))); err != nil || n != want {
			t.Errorf("inserted %d, %v; want %d", n, err, want)
		}
	}
}
