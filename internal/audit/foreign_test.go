package audit_test

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cioevents/cioevents/internal/audit"
	"github.com/cioevents/cioevents/internal/customerio/customeriotest"
	"github.com/cioevents/cioevents/internal/event"
	"github.com/cioevents/cioevents/internal/stream"
	"github.com/cioevents/cioevents/internal/stream/streamtest"
	"github.com/cioevents/cioevents/pkg/webhook/webhooktest"
)

// With the App API key of another workspace, audit names no gap and backfill stores nothing.
func TestKeyOfAnotherWorkspace(t *testing.T) {
	t.Parallel()
	h := newHistory(200)
	path := filepath.Join(t.TempDir(), "rows.duckdb")
	h.play(t, customeriotest.NewApp(customeriotest.AppConfig{}), path)
	other := customeriotest.NewApp(customeriotest.AppConfig{Rate: 1_000_000})
	for body := range (webhooktest.Campaign{Seed: 99, Deliveries: 100, CampaignID: 1, Start: weekOne}).Events() {
		other.Record(body)
	}
	conn := streamtest.Start(t).Connect(stream.Settings{})
	if _, err := conn.OpenConsumer(t.Context(), "warehouse", []string{stream.AllEvents}); err != nil {
		t.Fatal(err)
	}
	order := audit.Order{
		Workspace: "default", Since: h.since, Until: h.until, Warehouse: placeAt(t, path), Consumer: "warehouse",
		App: quick(t, other), Stream: conn, Erased: erased(t),
		Missing: func(g audit.Gap) error {
			t.Errorf("gap %+v", g)
			return nil
		},
	}
	const want = "is the App API key the key of workspace default?"
	if r, err := audit.Run(t.Context(), order); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("audit: %+v, %v", r, err)
	}
	if f, err := audit.Fill(t.Context(), order, storesNothing{t}); err == nil || !strings.Contains(err.Error(), want) || f.Missing != 0 {
		t.Errorf("backfill: %+v, %v", f, err)
	}
	order.Until = weekOne.Add(-30 * time.Minute) // of this time the warehouse has no delivery
	order.Missing = nil
	if _, err := audit.Run(t.Context(), order); err != nil {
		t.Errorf("audit without deliveries: %v", err)
	}
}

type storesNothing struct{ t *testing.T }

func (s storesNothing) Backfill(_ context.Context, m *event.Message) (bool, error) {
	s.t.Errorf("stores %s", m.Body)
	return false, nil
}
