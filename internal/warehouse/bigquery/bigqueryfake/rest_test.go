package bigqueryfake_test

import (
	"net/http"
	"testing"
	"time"

	"cloud.google.com/go/bigquery"
	"github.com/google/go-cmp/cmp"

	"github.com/cioevents/cioevents/internal/warehouse/bigquery/bigqueryfake"
)

func TestDatasets(t *testing.T) {
	t.Parallel()
	e := start(t, bigqueryfake.Config{})
	eu := e.client.Dataset("eu")
	if _, err := eu.Metadata(t.Context()); httpCode(err) != http.StatusNotFound {
		t.Errorf("before: got %v, want 404", err)
	}
	if err := eu.Table("events").Create(t.Context(), &bigquery.TableMetadata{Schema: schema()}); httpCode(err) != http.StatusNotFound {
		t.Errorf("a table in it: got %v, want 404", err)
	}
	if err := eu.Create(t.Context(), &bigquery.DatasetMetadata{Location: "EU"}); err != nil {
		t.Fatal(err)
	}
	if err := eu.Create(t.Context(), &bigquery.DatasetMetadata{}); httpCode(err) != http.StatusConflict {
		t.Errorf("again: got %v, want 409", err)
	}
	md, err := eu.Metadata(t.Context())
	if err != nil || md.Location != "EU" || md.ETag == "" {
		t.Errorf("got %+v, %v", md, err)
	}
}

func TestTables(t *testing.T) {
	t.Parallel()
	e := start(t, bigqueryfake.Config{})
	table := e.client.Dataset("d").Table("t")
	if _, err := table.Metadata(t.Context()); httpCode(err) != http.StatusNotFound {
		t.Errorf("before: got %v, want 404", err)
	}
	want := &bigquery.TableMetadata{
		Description:      "rows",
		Schema:           schema(),
		TimePartitioning: &bigquery.TimePartitioning{Type: bigquery.DayPartitioningType, Field: "timestamp", Expiration: time.Hour},
		Clustering:       &bigquery.Clustering{Fields: []string{"campaign_id", "event_id"}},
	}
	want.Schema[0].Description = "an id"
	if err := table.Create(t.Context(), want); err != nil {
		t.Fatal(err)
	}
	if err := table.Create(t.Context(), want); httpCode(err) != http.StatusConflict {
		t.Errorf("again: got %v, want 409", err)
	}
	got, err := table.Metadata(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got.Type != bigquery.RegularTable || got.ETag == "" {
		t.Errorf("got the type %q and the etag %q", got.Type, got.ETag)
	}
	kept := &bigquery.TableMetadata{Description: got.Description, Schema: got.Schema, TimePartitioning: got.TimePartitioning, Clustering: got.Clustering}
	if diff := cmp.Diff(want, kept); diff != "" {
		t.Error(diff)
	}
}

func TestViews(t *testing.T) {
	t.Parallel()
	e := start(t, bigqueryfake.Config{})
	view := e.client.Dataset("d").Table("view")
	if err := view.Create(t.Context(), &bigquery.TableMetadata{ViewQuery: "SELECT 1", Description: "one"}); err != nil {
		t.Fatal(err)
	}
	md, err := view.Metadata(t.Context())
	if err != nil || md.Type != bigquery.ViewTable || md.ViewQuery != "SELECT 1" {
		t.Fatalf("got %+v, %v", md, err)
	}
	if _, err := view.Update(t.Context(), bigquery.TableMetadataToUpdate{ViewQuery: "SELECT 2"}, md.ETag); err != nil {
		t.Fatal(err)
	}
	got := e.server.Table("p", "d", "view")
	if got.View.Query != "SELECT 2" || got.Description != "one" {
		t.Errorf("got the query %q and the description %q", got.View.Query, got.Description)
	}
}

// Of two clients that read the same state, only the first may change it.
func TestEtags(t *testing.T) {
	t.Parallel()
	e := start(t, bigqueryfake.Config{})
	md, err := e.table().Metadata(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []int{0, http.StatusPreconditionFailed} {
		_, err := e.table().Update(t.Context(), bigquery.TableMetadataToUpdate{Description: "new"}, md.ETag)
		if got := httpCode(err); got != want {
			t.Errorf("update %d: got %v, want %d", i, err, want)
		}
	}
	if _, err := e.table().Update(t.Context(), bigquery.TableMetadataToUpdate{Description: "newer"}, ""); err != nil {
		t.Errorf("without an etag: %v", err)
	}
}

func TestUnknownCalls(t *testing.T) {
	t.Parallel()
	e := start(t, bigqueryfake.Config{})
	err := e.client.Dataset("d").Delete(t.Context())
	if httpCode(err) != http.StatusNotImplemented {
		t.Errorf("got %v, want 501", err)
	}
	if e.server.Table("p", "d", "none") != nil {
		t.Error("the fake has a table that no client created")
	}
}

// A patch changes and deletes the labels that it names, and keeps the others.
func TestLabels(t *testing.T) {
	t.Parallel()
	e := start(t, bigqueryfake.Config{})
	change := func(set func(*bigquery.TableMetadataToUpdate)) (map[string]string, error) {
		var u bigquery.TableMetadataToUpdate
		set(&u)
		md, err := e.table().Update(t.Context(), u, "")
		if err != nil {
			return nil, err
		}
		return md.Labels, nil
	}
	for _, key := range []string{"a", "b", "c"} {
		if _, err := change(func(u *bigquery.TableMetadataToUpdate) { u.SetLabel(key, "1") }); err != nil {
			t.Fatal(err)
		}
	}
	got, err := change(func(u *bigquery.TableMetadataToUpdate) { u.DeleteLabel("a"); u.SetLabel("b", "2") })
	if diff := cmp.Diff(map[string]string{"b": "2", "c": "1"}, got); err != nil || diff != "" {
		t.Errorf("%v %s", err, diff)
	}
	if _, err := change(func(u *bigquery.TableMetadataToUpdate) { u.SetLabel("b", "Large Letters") }); httpCode(err) != http.StatusBadRequest {
		t.Errorf("a wrong value: got %v, want 400", err)
	}
}
