package doctor_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/cioevents/cioevents/internal/doctor"
	"github.com/cioevents/cioevents/internal/warehouse/bigquery/bigqueryfake"
	"github.com/cioevents/cioevents/internal/warehouse/place"
)

// Each warehouse has its own findings. The packages of the warehouses test what they find.
func TestWarehouseChecks(t *testing.T) {
	t.Parallel()
	google, err := bigqueryfake.Start(bigqueryfake.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer google.Close()
	dir := t.TempDir()
	places, err := place.ParseList([]string{
		"duckdb:" + filepath.Join(dir, "e.duckdb"), "parquet:" + filepath.Join(dir, "p"), "bigquery://proj?rest=" + google.RESTEndpoint() + "&grpc=" + google.GRPCEndpoint(),
	})
	if err != nil {
		t.Fatal(err)
	}
	expect := func(wants ...string) {
		t.Helper()
		got := strings.Join(findings(t, doctor.WarehouseChecks(places)), "\n")
		for _, want := range wants {
			if !strings.Contains(got, want) {
				t.Errorf("no %q in\n%s", want, got)
			}
		}
	}
	expect("duckdb: warn: the file does not exist yet → ", "parquet: warn: the folder has no events yet → ", "bigquery: fail: ", "→ the project, the dataset or the table")
	for _, p := range places {
		if err := p.Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	expect("duckdb: ok: folder ", "duckdb: ok: readable, ", "parquet: ok: folder ", "parquet: ok: readable, ", "bigquery: ok: messaging in US, ", "bigquery: ok: the Write API answers")
	google.Deny(bigqueryfake.NoRole)
	expect("bigquery: fail: BigQuery proj.messaging: ", "→ the worker's account needs the role roles/bigquery.dataEditor on the dataset")
}
