package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cioevents/cioevents/internal/report"
	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/warehousetest"
	"github.com/cioevents/cioevents/pkg/webhook"
)

func TestReportHealth(t *testing.T) {
	t.Parallel()
	for _, url := range warehouses(t) {
		s := &shell{t: t}
		write(t, url, warehousetest.HealthRows())
		out, errs, code := s.run("report", "--health", "--days", "0", "--warehouse-url", url)
		if code != 4 || !strings.Contains(errs, "stop sending") {
			t.Errorf("%s: exit code %d, %q", url, code, errs)
		}
		var table []string
		for line := range strings.Lines(out) {
			table = append(table, strings.Join(strings.Fields(line), " "))
		}
		for _, want := range []string{
			"STATUS MEASURE WARNING FROM BAD FROM JUDGED FROM BAD WARNINGS OK TOO FEW",
			"bad hard bounces of sent 2.0 % 5.0 % 200 1",
			"STATUS MEASURE WORKSPACE PROVIDER NUMBER OF RATE MESSAGE",
			"bad hard bounces default microsoft 10 200 5.00 % newsletter 2 / 21",
			"bad complaints default other 3 30 10.00 % newsletter 2 / 21",
			"warn unauthenticated default gmail 1 - - campaign 1 / 11",
			"warn sent after optout optout - 7 - - -",
		} {
			if !strings.Contains(strings.Join(table, "\n"), want) {
				t.Errorf("%s: the table has no line %q:\n%s", url, want, strings.Join(table, "\n"))
			}
		}
		if h := read[report.Health](s, "report", "--health", "--warehouse-url", url, "--output", "json"); h.Status != warehouse.StatusFew || len(h.Measures) != 0 || h.Since == "" {
			t.Errorf("%s: the last 30 days: %+v", url, h)
		}
	}
	(&shell{t: t}).wrong("exclude each other", "report", "--health", "--html=x.html")
}

// A warning ends with exit code 0: a script goes on.
func TestReportHealthWarns(t *testing.T) {
	t.Parallel()
	url := warehouses(t)[0]
	at := time.Now().Add(-time.Hour)
	e := webhook.Event{
		ObjectType: "email", Metric: "bounced", CampaignID: 1, DeliveryID: "d", Recipient: "p@gmail.com", OccurredAt: at, Raw: []byte("{}"),
		FailureMessage: "550-5.7.26 unauthenticated",
	}
	write(t, url, []warehouse.Row{warehouse.NewRow(&e, warehouse.Origin{EventID: "e", Workspace: "default", ReceivedAt: at})})
	out := (&shell{t: t}).ok("report", "--health", "--days", "2", "--warehouse-url", url)
	if !strings.Contains(out, "unauthenticated") || !strings.Contains(out, fmt.Sprint(2, " warnings, ")) {
		t.Errorf("got\n%s", out)
	}
}
