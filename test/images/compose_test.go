package main

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var secrets = map[string]string{"CUSTOMERIO_WEBHOOK_SECRET": "key", "CUSTOMERIO_SITE_ID": "site", "CUSTOMERIO_TRACK_API_KEY": "track"}

func TestLoad(t *testing.T) {
	t.Parallel()
	p, err := load("../../docker-compose.yml", secrets)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"nats", "ingest", "worker"}, p.order()); diff != "" {
		t.Error(diff)
	}
	c, w := p.Services["cioctl"], p.Services["worker"]
	if c.Environment["NATS_URL"] != "nats://operator:operator@nats:4222" || c.Environment["WAREHOUSE_URL"] != w.Environment["WAREHOUSE_URL"] || c.Environment["CUSTOMERIO_WEBHOOK_SECRET"] != "key" {
		t.Errorf("cioctl has the environment %v", c.Environment)
	}
	if w.Grace != 45*time.Second || !w.ReadOnly || w.CapDrop[0] != "ALL" || w.User != "65532:65532" || w.Build.Target != "worker-compose" {
		t.Errorf("worker is %+v", w)
	}
	if got := p.Services["nats"].check(); len(got) != 3 || got[0] != "/bin/sh" || !strings.Contains(got[2], "healthz") {
		t.Errorf("NATS is checked by %q", got)
	}
	if got := w.check(); got[0] != "/busybox" {
		t.Errorf("the worker is checked by %q", got)
	}
}

// A variable that the file requires and nobody sets is named.
func TestLoadNamesWhatIsMissing(t *testing.T) {
	t.Parallel()
	_, err := load("../../docker-compose.yml", nil)
	for name := range secrets {
		if err == nil || !strings.Contains(err.Error(), name+" is not set") {
			t.Errorf("without %s: %v", name, err)
		}
	}
}

func TestBases(t *testing.T) {
	t.Parallel()
	list, targets := bases("FROM golang:1.26 AS build\nCOPY . .\nFROM gcr.io/a/static:nonroot AS ingest\nCOPY --from=build /a /a\nFROM ingest AS ingest-compose\nCOPY --from=busybox:1 /b /b\n")
	if diff := cmp.Diff([]string{"golang:1.26", "gcr.io/a/static:nonroot", "busybox:1"}, list); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"ingest", "ingest-compose"}, targets); diff != "" {
		t.Error(diff)
	}
	for image, want := range map[string]string{"nats:2": "docker.io/library/nats:2", "gcr.io/a/b": "gcr.io/a/b"} {
		if got := qualified(image); got != want {
			t.Errorf("qualified(%s) = %s", image, got)
		}
	}
}
