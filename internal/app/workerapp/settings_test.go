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
		"WORKER_CONSUMERS": "suppression,warehouse,mail", "SUPPRESSION_MODE": "delete", "SUPPRESSION_LIMIT": "50001", "CUSTOMERIO_REGION": "mars",
		"TRACK_RATE": "Inf", "WAREHOUSE_URL": "duckdb:a,duckdb:b,duckdb:c,oracle:x", "CUSTOMERIO_TRACK_URL": "ftp://x",
		"STREAM_REPLICAS": "6", "STREAM_MAX_BYTES": "-5", "ADMIN_ADDR": ":999999",
	})
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{
		"CUSTOMERIO_SITE_ID: is required", "CUSTOMERIO_TRACK_API_KEY: is required", `invalid WORKER_CONSUMERS "mail": want suppression, engagement or warehouse`,
		`invalid SUPPRESSION_LIMIT "50001": want a whole number from 0 to 50000`,
		`invalid SUPPRESSION_MODE "delete": want suppress, unsubscribe or off`, `invalid CUSTOMERIO_REGION "mars"`, `invalid TRACK_RATE "Inf": want a number above 0`,
		"invalid CUSTOMERIO_TRACK_URL: want an http or https address", `invalid STREAM_REPLICAS "6": want a whole number from 1 to 5`,
		`invalid STREAM_MAX_BYTES "-5": want unlimited or a size`, `invalid ADMIN_ADDR ":999999": want HOST:PORT`,
		`invalid WAREHOUSE_URL "duckdb:c": want at most one`, `invalid WAREHOUSE_URL "oracle:x": want duckdb:FILE`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error lacks %q:\n%v", want, err)
		}
	}
}

func TestTwoWarehousesNeedNoTrackCredentials(t *testing.T) {
	t.Parallel()
	if err := parse(map[string]string{"WORKER_CONSUMERS": "warehouse", "WAREHOUSE_URL": "duckdb:a,duckdb:b"}); err != nil {
		t.Error(err)
	}
}

func TestWorkspacesOfTheirOwn(t *testing.T) {
	t.Parallel()
	env := map[string]string{
		"WORKER_CONSUMERS": "suppression", "CUSTOMERIO_WORKSPACES": "acme,globex",
		"CUSTOMERIO_ACME_SITE_ID": "a", "CUSTOMERIO_ACME_TRACK_API_KEY": "a", "CUSTOMERIO_ACME_REGION": "eu",
		"CUSTOMERIO_GLOBEX_SITE_ID": "g", "CUSTOMERIO_GLOBEX_TRACK_API_KEY": "g", "CUSTOMERIO_GLOBEX_TRACK_RATE": "500",
	}
	if err := parse(env); err != nil {
		t.Error(err)
	}
	env["CUSTOMERIO_ACME_REGION"], env["CUSTOMERIO_GLOBEX_TRACK_RATE"] = "mars", "Inf"
	err := parse(env)
	for _, want := range []string{`invalid CUSTOMERIO_ACME_REGION "mars": want us or eu`, `invalid CUSTOMERIO_GLOBEX_TRACK_RATE "Inf": want a number above 0`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error lacks %q:\n%v", want, err)
		}
	}
}
