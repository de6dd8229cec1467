package workerapp_test

import (
	"strings"
	"testing"

	"github.com/cioevents/cioevents/internal/app/workerapp"
	"github.com/cioevents/cioevents/internal/config"
)

func parse(env map[string]string) error {
	var cfg workerapp.Config
	set := config.New("worker", func(name string) string { return env[name] })
	cfg.Declare(set)
	return set.Parse(nil)
}

func TestMistakesAreReportedTogether(t *testing.T) {
	t.Parallel()
	err := parse(map[string]string{
		"WORKER_CONSUMERS": "suppression,warehouse,mail", "SUPPRESSION_MODE": "delete", "CUSTOMERIO_REGION": "mars",
		"TRACK_RATE": "0", "WAREHOUSE_URL": "duckdb:a,duckdb:b,duckdb:c,oracle:x",
	})
	if err == nil {
		t.Fatal("nothing is wrong")
	}
	for _, want := range []string{
		"CUSTOMERIO_SITE_ID: is required", "CUSTOMERIO_TRACK_API_KEY: is required", `WORKER_CONSUMERS: "mail"`,
		"SUPPRESSION_MODE:", `CUSTOMERIO_REGION: "mars"`, "TRACK_RATE: must be above 0",
		`WAREHOUSE_URL: "duckdb:c" is one too many`, `WAREHOUSE_URL: "oracle:x" is not of the form`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the mistakes leave out %q:\n%v", want, err)
		}
	}
}

func TestTwoWarehousesNeedNoTrackCredentials(t *testing.T) {
	t.Parallel()
	if err := parse(map[string]string{"WORKER_CONSUMERS": "warehouse", "WAREHOUSE_URL": "duckdb:a,duckdb:b"}); err != nil {
		t.Error(err)
	}
}
