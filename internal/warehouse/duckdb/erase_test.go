package duckdb_test

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cioevents/cioevents/internal/privacy"
	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/duckdb"
	"github.com/cioevents/cioevents/internal/warehouse/warehousetest"
)

// ann is a person of a few of the thousand rows of annsRows.
var ann = privacy.Person{Workspace: "w", Identifiers: []privacy.Identifier{{Kind: privacy.ID, Value: "ann-4711"}, {Kind: privacy.Email, Value: "ann.ecila@example.com"}}}

// annsRows returns 1,000 rows, of which each hundredth is Ann's, with escapes in the body.
func annsRows() []warehouse.Row {
	rows := make([]warehouse.Row, 1000)
	for i := range rows {
		body := fmt.Sprintf(`{"event_id":"e%[1]d","object_type":"email","metric":"sent","timestamp":%[2]d,"data":{"identifiers":{"id":"bob-%[1]d","email":"bob-%[1]d@example.com"},"recipient":"bob-%[1]d@example.com","delivery_id":"d%[1]d"}}`, i, 1_760_000_000+i)
		if i%100 == 7 {
			body = fmt.Sprintf(`{"event_id":"e%[1]d","object_type":"email","metric":"sent","timestamp":%[2]d,"data":{"identifiers":{"id":"ann-4711","email":"ann.ecila\u0040example.com"},"recipient":"Ann.Ecila@example.com","delivery_id":"d%[1]d","subject":"Dear Ann Ecila"}}`, i, 1_760_000_000+i)
		}
		if err := rows[i].Parse([]byte(body), warehouse.Origin{EventID: fmt.Sprintf("e%d", i), Workspace: "w", ReceivedAt: time.Unix(1_760_000_100, 0)}); err != nil {
			panic(err) // a fault of this file
		}
	}
	return rows
}

// annsTraces are texts of Ann's rows: an id, an address in two spellings, a subject.
var annsTraces = []string{"ann-4711", "ann.ecila", "Ann.Ecila", "Ann Ecila"}

// traces returns Ann's texts in the files of a folder.
func traces(t *testing.T, dir string) []string {
	t.Helper()
	found := map[string]bool{}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		for _, text := range annsTraces {
			if bytes.Contains(content, []byte(text)) {
				found[text] = true
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return slices.Sorted(maps.Keys(found))
}

// annsFile returns a database file with Ann's rows, which the bytes of the file show.
func annsFile(t *testing.T) place {
	t.Helper()
	p := place{filepath.Join(t.TempDir(), "e.duckdb")}
	warehousetest.Fill(t, p.Sink(t), annsRows())
	mustRun(t, p.path, "CHECKPOINT")
	if got := traces(t, filepath.Dir(p.path)); len(got) < 3 {
		t.Fatalf("before the erasure the file shows %q only: the search shows nothing", got)
	}
	return p
}

func erase(t *testing.T, path string) privacy.Erased {
	t.Helper()
	erased, err := (&duckdb.People{Path: path}).Erase(t.Context(), []privacy.Person{ann}, privacy.EraseOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return erased
}

// fileNames returns the names of the files beside the database and of the database.
func fileNames(t *testing.T, path string) []string {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	return names
}

var cleanNames = []string{"e.duckdb", "e.duckdb.lock", "e.duckdb.queue"}

// An erasure leaves no byte of the person in the folder, and everything else as it was.
func TestEraseLeavesNoBytes(t *testing.T) {
	t.Parallel()
	for name, rows := range map[string]bool{"anonymise": false, "rows": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := annsFile(t)
			sink := open(t, p.path)
			id, err := sink.Store(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if err := sink.SetTimezone(t.Context(), "Europe/Vienna"); err != nil {
				t.Fatal(err)
			}
			if err := sink.PutNames(t.Context(), "w", []warehouse.Name{{Source: "campaign", SourceID: "7", Name: "Welcome"}}); err != nil {
				t.Fatal(err)
			}
			if err := sink.Close(); err != nil {
				t.Fatal(err)
			}
			mustRun(t, p.path, "COMMENT ON COLUMN messaging.customerio_events.metric IS 'what happened'",
				"ALTER TABLE messaging.customerio_events ADD COLUMN own INTEGER DEFAULT 7", "CREATE TABLE parents (id INTEGER PRIMARY KEY)",
				"CREATE TABLE children (id INTEGER REFERENCES parents)", "INSERT INTO parents VALUES (1)", "INSERT INTO children VALUES (1)",
				"CREATE VIEW mine AS SELECT count(*) AS n FROM customerio_events")
			if err := os.Chmod(p.path, 0o640); err != nil {
				t.Fatal(err)
			}
			before := restOf(t, p)
			erased, err := (&duckdb.People{Path: p.path}).Erase(t.Context(), []privacy.Person{ann}, privacy.EraseOptions{Rows: rows})
			if diff := cmp.Diff(privacy.Erased{Events: 10}, erased); err != nil || diff != "" {
				t.Errorf("erased (-want +got):\n%s%v", diff, err)
			}
			if got := traces(t, filepath.Dir(p.path)); len(got) > 0 {
				t.Errorf("the files still show %q", got)
			}
			if diff := cmp.Diff(cleanNames, fileNames(t, p.path)); diff != "" {
				t.Errorf("files (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(before, restOf(t, p)); diff != "" {
				t.Errorf("the rest of the file (-before +after):\n%s", diff)
			}
			if info, err := os.Stat(p.path); err != nil || info.Mode().Perm() != 0o640 {
				t.Errorf("the file has the rights %v, %v", info.Mode(), err)
			}
			if now, err := open(t, p.path).Store(t.Context()); err != nil || now != id {
				t.Errorf("the store is %v, %v; was %v", now, err, id)
			}
		})
	}
}

// restOf returns what an erasure of Ann does not change.
func restOf(t *testing.T, p place) (rest [][]any) {
	t.Helper()
	for _, statement := range []string{
		"FROM customerio_names", "FROM customerio_settings", "FROM parents", "FROM children",
		"SELECT own, * FROM messaging.customerio_events WHERE customer_id LIKE 'bob%' ORDER BY event_id",
		"SELECT table_name, column_name, comment FROM duckdb_columns() WHERE comment IS NOT NULL",
		"SELECT view_name, length(sql) FROM duckdb_views() WHERE NOT internal ORDER BY ALL",
		"SELECT function_name, length(macro_definition) FROM duckdb_functions() WHERE NOT internal ORDER BY ALL",
	} {
		rest = append(rest, p.query(t, statement)...)
	}
	return rest
}

// DuckDB cannot copy the table of the file's owner. The rows are changed nevertheless, the
// result says that bytes are left, and the next erasure without the table cleans the file.
func TestEraseBesideTableThatCannotBeCopied(t *testing.T) {
	t.Parallel()
	p := annsFile(t)
	mustRun(t, p.path, "CREATE TABLE secret_notes (id INTEGER, g INTEGER GENERATED ALWAYS AS (id + 1))", "INSERT INTO secret_notes VALUES (1)")
	erased := erase(t, p.path)
	if erased.Events != 10 || !erased.NotClean || !strings.Contains(erased.Note, "secret_notes") {
		t.Errorf("erased: %+v", erased)
	}
	if got := p.query(t, "SELECT count(*) FROM customerio_events WHERE customer_id LIKE 'ann%' OR contains(payload::VARCHAR, 'cila')")[0][0]; got != int64(0) {
		t.Errorf("%v rows of Ann are left", got)
	}
	if diff := cmp.Diff(append(slices.Clone(cleanNames), "e.duckdb.unclean"), fileNames(t, p.path)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	mustRun(t, p.path, "DROP TABLE secret_notes")
	if erased := erase(t, p.path); erased.Events != 0 || erased.NotClean {
		t.Errorf("the second erasure: %+v", erased)
	}
	if got := traces(t, filepath.Dir(p.path)); len(got) > 0 {
		t.Errorf("the files still show %q", got)
	}
	if diff := cmp.Diff(cleanNames, fileNames(t, p.path)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

// A sequence of the owner goes on where it was, also as a column's default.
func TestEraseKeepsSequences(t *testing.T) {
	t.Parallel()
	p := annsFile(t)
	mustRun(t, p.path, "CREATE SEQUENCE numbers", "CREATE TABLE numbered (id INTEGER DEFAULT nextval('numbers'), x INTEGER)", "INSERT INTO numbered (x) VALUES (1), (2)")
	erased := erase(t, p.path)
	mustRun(t, p.path, "INSERT INTO numbered (x) VALUES (3)")
	if got := fmt.Sprint(p.query(t, "SELECT id, x FROM numbered ORDER BY x")); got != "[[1 1] [2 2] [3 3]]" {
		t.Errorf("%+v; the table has %s", erased, got)
	}
}

// A database file behind a symbolic link stays behind the link.
func TestEraseThroughLink(t *testing.T) {
	t.Parallel()
	p := annsFile(t)
	link := filepath.Join(t.TempDir(), "link.duckdb")
	if err := os.Symlink(p.path, link); err != nil {
		t.Fatal(err)
	}
	if erased := erase(t, link); erased.Events != 10 || erased.NotClean {
		t.Errorf("erased: %+v", erased)
	}
	if target, err := os.Readlink(link); err != nil || target != p.path {
		t.Errorf("the link points to %s, %v", target, err)
	}
	if got := traces(t, filepath.Dir(p.path)); len(got) > 0 {
		t.Errorf("the files still show %q", got)
	}
}

// A process that is killed in a step leaves a sound file, and the next erasure finishes.
func TestEraseKilled(t *testing.T) {
	t.Parallel()
	for _, at := range []string{"copying", "copied", "rename", "renamed", "marked"} {
		t.Run(at, func(t *testing.T) {
			t.Parallel()
			p := annsFile(t)
			if at == "marked" {
				mustRun(t, p.path, "CREATE TABLE own (id INTEGER, g INTEGER GENERATED ALWAYS AS (id + 1))")
			}
			c := startChild(t, "erase-"+at, p.path)
			if line := c.line(); line != at {
				t.Fatalf("the child said %q", line)
			}
			c.kill()
			if got := len(p.Read(t)); got != 1000 {
				t.Errorf("after the kill the file has %d rows", got)
			}
			if at == "marked" {
				mustRun(t, p.path, "DROP TABLE own")
			}
			erase(t, p.path)
			if got := traces(t, filepath.Dir(p.path)); len(got) > 0 {
				t.Errorf("the files still show %q", got)
			}
			if diff := cmp.Diff(cleanNames, fileNames(t, p.path)); diff != "" {
				t.Errorf("files (-want +got):\n%s", diff)
			}
			if got := len(p.Read(t)); got != 1000 {
				t.Errorf("the file has %d rows", got)
			}
		})
	}
}

// eraseUntil erases Ann until a step, and waits there to be killed.
func eraseUntil(at string) func(string) error {
	return func(path string) error {
		duckdb.StopAt(at, func() {
			fmt.Println(at)
			select {}
		})
		_, err := (&duckdb.People{Path: path}).Erase(context.Background(), []privacy.Person{ann}, privacy.EraseOptions{})
		return err
	}
}

// DuckDB may write a text of the person into unused bytes of the copy. Erase then copies
// again, and says so if no copy is clean. A later erasure cleans the file.
func TestEraseLooksIntoBytes(t *testing.T) { //nolint:paralleltest // StopAt is for all tests of the process
	defer duckdb.StopAt("", nil)
	for _, c := range []struct {
		dirty    int // copies with a text of Ann
		text     string
		copies   int
		notClean bool
	}{
		{1, "Ann.Ecila@example.com", 2, false}, // as stored
		{1, "ann.ecila@example.com", 2, false}, // as given
		{99, "Ann.Ecila@example.com", 4, true},
	} {
		p := annsFile(t)
		copies := 0
		duckdb.StopAt("copied", func() {
			copies++
			if copies <= c.dirty {
				appendText(t, p.path+".fresh", c.text)
			}
		})
		erased := erase(t, p.path)
		if erased.Events != 10 || erased.NotClean != c.notClean || copies != c.copies {
			t.Errorf("%q in %d copies: erased %+v with %d copies; want %d", c.text, c.dirty, erased, copies, c.copies)
		}
		duckdb.StopAt("", nil)
		if erased = erase(t, p.path); erased.NotClean {
			t.Errorf("the next erasure: %+v", erased)
		}
		if got := traces(t, filepath.Dir(p.path)); len(got) > 0 {
			t.Errorf("the files still show %q", got)
		}
		if diff := cmp.Diff(cleanNames, fileNames(t, p.path)); diff != "" {
			t.Errorf("files (-want +got):\n%s", diff)
		}
	}
}

// A copy is clean, too, if the row of somebody else has the person's address.
func TestEraseKeepsAddressOfOthers(t *testing.T) { //nolint:paralleltest // StopAt is for all tests of the process
	p := annsFile(t)
	const body = `{"event_id":"x","object_type":"email","metric":"sent","timestamp":1760000000,"data":{"identifiers":{"id":"bob-5"},"recipient":"ann.ecila@example.com"}}`
	row := warehouse.Row{}
	if err := row.Parse([]byte(body), warehouse.Origin{EventID: "x", Workspace: "w", ReceivedAt: time.Unix(1_760_000_100, 0)}); err != nil {
		t.Fatal(err)
	}
	warehousetest.Fill(t, p.Sink(t), []warehouse.Row{row})
	copies := 0
	duckdb.StopAt("copied", func() {
		copies++
		appendText(t, p.path+".fresh", "ann.ecila@example.com")
	})
	defer duckdb.StopAt("", nil)
	if erased := erase(t, p.path); erased.Events != 10 || erased.NotClean || copies != 1 {
		t.Errorf("erased %+v with %d copies; want 10 events with one", erased, copies)
	}
}

func appendText(t *testing.T, path, text string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(text); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// A worker that writes gives way to an erasure, and goes on afterwards.
func TestEraseBesideWorker(t *testing.T) {
	t.Parallel()
	p := annsFile(t)
	writer := startChild(t, "write", p.path)
	writer.line()
	erased := erase(t, p.path)
	writer.end()
	if erased.Events != 10 {
		t.Errorf("erased %d events", erased.Events)
	}
	if got := len(p.Read(t)); got != 1000+batches*batchSize {
		t.Errorf("the file has %d rows; want %d", got, 1000+batches*batchSize)
	}
	if got := traces(t, filepath.Dir(p.path)); len(got) > 0 {
		t.Errorf("the files still show %q", got)
	}
}

// The key of a policy finds hashed values.
func TestPeopleFindHashedValues(t *testing.T) {
	t.Parallel()
	key, err := privacy.NewKey("k1", bytes.Repeat([]byte("x"), 32))
	if err != nil {
		t.Fatal(err)
	}
	p := place{filepath.Join(t.TempDir(), "e.duckdb")}
	rows := annsRows()
	for i := range rows {
		r := &rows[i]
		r.PersonID, r.Identifiers.Email, r.Recipient = key.Hash(r.PersonID), key.Hash(privacy.Address(r.Identifiers.Email)), key.Hash(privacy.Address(r.Recipient))
		r.Raw = []byte("{}")
	}
	warehousetest.Fill(t, p.Sink(t), rows)
	for name, c := range map[string]struct {
		key  *privacy.Key
		want int64
	}{"with the key": {&key, 10}, "without": {nil, 0}} {
		for _, ids := range [][]privacy.Identifier{ann.Identifiers[:1], ann.Identifiers[1:]} {
			found, err := (&duckdb.People{Path: p.path, Key: c.key}).Find(t.Context(), []privacy.Person{{Workspace: "w", Identifiers: ids}})
			if err != nil || found[0].Events != c.want {
				t.Errorf("%s, by %s: found %+v, %v; want %d events", name, ids[0].Kind, found, err, c.want)
			}
		}
	}
}
