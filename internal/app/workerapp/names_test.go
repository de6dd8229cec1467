package workerapp_test

import (
	"net/http/httptest"
	"path/filepath"
	"testing"

	"github.com/cioevents/cioevents/internal/customerio/customeriotest"
	"github.com/cioevents/cioevents/internal/names"
	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/place"
)

// Workers store the names of the workspaces that have a key, in all warehouses. Of two
// workers one asks the App API. The file stays free for others meanwhile.
func TestNamesOfMessages(t *testing.T) {
	t.Parallel()
	api := customeriotest.NewApp(customeriotest.AppConfig{Key: "acme-key"})
	api.SeedSources(customeriotest.Source{Kind: "newsletter", ID: 7, Name: "October"})
	server := httptest.NewServer(api)
	defer server.Close()
	s := newOutage(t)
	dir := t.TempDir()
	list, err := place.ParseList([]string{"duckdb:" + filepath.Join(dir, "e.duckdb"), "parquet:" + filepath.Join(dir, "events")})
	if err != nil {
		t.Fatal(err)
	}
	s.env["WORKER_CONSUMERS"], s.env["WAREHOUSE_URL"] = "warehouse", list[0].URL+","+list[1].URL
	s.env["CUSTOMERIO_APP_URL"], s.env["CUSTOMERIO_ACME_APP_API_KEY"] = server.URL, "acme-key"
	_, _ = s.start()
	_, _ = s.start()
	for _, p := range list {
		s.eventually("the names are in "+p.Scheme, func() bool { return len(namesOf(t, p, "acme")) == 1 })
		if got := namesOf(t, p, "globex"); len(got) != 0 {
			t.Errorf("%s: names of a workspace without a key: %v", p.Scheme, got)
		}
	}
	if calls := api.Counts().Requests; calls != 2*4 {
		t.Errorf("%d calls of the App API; want the 4 lists once for each of 2 warehouses", calls)
	}
}

func namesOf(t *testing.T, p place.Place, workspace string) (list []warehouse.Name) {
	t.Helper()
	err := names.WithNotes(t.Context(), p, func(notes warehouse.Notes) (err error) {
		list, err = notes.Names(t.Context(), workspace)
		return err
	})
	if err != nil {
		t.Error(err)
	}
	return list
}
