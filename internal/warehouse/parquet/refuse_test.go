package parquet_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	pq "github.com/parquet-go/parquet-go"

	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/parquet"
)

// A file that a compaction cannot copy leaves its day as it is.
func TestCompactRefusesFiles(t *testing.T) {
	t.Parallel()
	type base struct {
		EventID    string    `parquet:"event_id"`
		ReceivedAt time.Time `parquet:"received_at,timestamp(microsecond)"`
		Workspace  string    `parquet:"workspace"`
	}
	type typed struct {
		base
		Href int64 `parquet:"href"`
	}
	type newType struct {
		base
		Timestamp time.Time `parquet:"timestamp,timestamp(millisecond)"`
	}
	type list struct {
		base
		Tags []string `parquet:"tags"`
	}
	type nested struct {
		base
		Tags struct{ A, B string } `parquet:"tags"`
	}
	type keyless struct {
		ReceivedAt time.Time `parquet:"received_at,timestamp(microsecond)"`
		Workspace  string    `parquet:"workspace"`
	}
	b := base{"other", received, "default"}
	for name, c := range map[string]struct {
		write func(path string) error
		want  string
	}{
		"column of another type": {func(path string) error { return pq.WriteFile(path, []typed{{b, 7}}) }, "column href has the type INT(64,true), want STRING"},
		"time of another unit":   {func(path string) error { return pq.WriteFile(path, []newType{{b, received}}) }, "column timestamp has the type TIMESTAMP"},
		"lists":                  {func(path string) error { return pq.WriteFile(path, []list{{b, []string{"a", "b"}}}) }, "column tags has lists"},
		"fields of a column":     {func(path string) error { return pq.WriteFile(path, []nested{{base: b}}) }, "column tags has lists or fields"},
		"no event_id":            {func(path string) error { return pq.WriteFile(path, []keyless{{received, "default"}}) }, "no column event_id"},
		"newer key": {func(path string) error {
			return pq.WriteFile(path, []base{b}, pq.KeyValueMetadata("cioevents.key", "workspace,event_id,metric,device"))
		}, "upgrade cioctl"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFolder(t)
			write(t, f.Open(t), row("2025-12-30", "1"), row("2025-12-31", "1"))
			if err := c.write(filepath.Join(f.dir, warehouse.Events, "dt=2025-12-31", "batch-other.parquet")); err != nil {
				t.Fatal(err)
			}
			before := f.files(t)
			report, err := parquet.Compact(t.Context(), f.compaction())
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "batch-other.parquet") || report.Days != 1 {
				t.Errorf("report is %+v, error %v; want one day, %q and the file named", report, err, c.want)
			}
			if diff := gocmp.Diff(before[1:], f.files(t)[1:]); diff != "" {
				t.Errorf("files of the day (-want +got):\n%s", diff)
			}
		})
	}
}
