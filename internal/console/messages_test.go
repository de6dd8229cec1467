package console_test

import (
	"encoding/csv"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/cioevents/cioevents/internal/console"
	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/place"
	"github.com/cioevents/cioevents/internal/warehouse/warehousetest"
	"github.com/cioevents/cioevents/pkg/webhook"
)

// fill stores the rows in the warehouse of the bed.
func fill(t *testing.T, p place.Place, rows []warehouse.Row) {
	t.Helper()
	sink, err := p.Sink(p.Log)
	if err != nil {
		t.Fatal(err)
	}
	warehousetest.Fill(t, sink, rows)
}

// rowOf returns a row of an event that arrived at once.
func rowOf(e webhook.Event) warehouse.Row {
	if e.Raw == nil {
		e.Raw = []byte("{}")
	}
	return warehouse.NewRow(&e, warehouse.Origin{EventID: e.ID, Workspace: "default", ReceivedAt: e.OccurredAt})
}

// newFilledBed returns a console whose DuckDB file has the rows.
func newFilledBed(t *testing.T, rows []warehouse.Row, change func(*console.Config)) *bed {
	t.Helper()
	return newBed(t, func(c *console.Config) {
		fill(t, c.Warehouses[0], rows)
		if change != nil {
			change(c)
		}
	})
}

// campaign returns 10 e-mails of campaign 7. Those of the reasons bounced.
func campaign(at time.Time, reasons ...string) (rows []warehouse.Row) {
	for i := range 10 {
		e := webhook.Event{ObjectType: webhook.Email, CampaignID: 7, DeliveryID: "d" + string(rune('0'+i)), OccurredAt: at, Recipient: "ann@gmail.com"}
		add := func(metric webhook.Metric) {
			e.ID, e.Metric = e.DeliveryID+string(metric), metric
			rows = append(rows, rowOf(e))
		}
		add(webhook.Sent)
		if i < len(reasons) {
			e.FailureMessage = reasons[i]
			add(webhook.Bounced)
		} else {
			add(webhook.Delivered)
		}
	}
	return rows
}

func asPart(r *http.Request) { r.Header.Set("HX-Request", "true") }

// The page asks for its numbers, which name their denominators, and a table is a file.
func TestMessages(t *testing.T) {
	t.Parallel()
	b := newFilledBed(t, campaign(time.Now(), script, "=HYPERLINK(\"http://attacker.example\")"), nil)
	if page := b.get("/messages").Body.String(); !strings.Contains(page, `hx-get="/messages/numbers?days=30"`) {
		t.Errorf("the page does not ask for its numbers:\n%s", page)
	}
	page := b.call("GET", "/messages/numbers?days=30", "", asPart).Body.String()
	for _, want := range []string{"80.0 %", "of sent", "of delivered outside Gmail", "campaign 7", "gmail", "Hard bounces of sent", "data-plot", `href="/messages?campaign=7&amp;days=30"`, "days begin at midnight in UTC"} {
		if !strings.Contains(page, want) {
			t.Errorf("the numbers lack %q:\n%s", want, page)
		}
	}
	if strings.Contains(page, script) || strings.Contains(page, "<html") {
		t.Errorf("the part runs a script or is a whole page:\n%s", page)
	}
	if page := b.get("/messages").Body.String(); !strings.Contains(page, "campaign 7") {
		t.Errorf("the page does not show the known result:\n%s", page)
	}
	if w := b.get("/messages/numbers?days=7&campaign=7"); w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/messages?campaign=7&days=7" {
		t.Errorf("without a script: %d %v", w.Code, w.Header())
	}
}

// Each table of the page is a CSV file with the choices of the page, and no cell of a file
// is a formula.
func TestMessagesCSV(t *testing.T) {
	t.Parallel()
	b := newFilledBed(t, campaign(time.Now(), "550 5.1.1 unknown", "=HYPERLINK(\"http://attacker.example\")"), nil)
	page := b.call("GET", "/messages/numbers?days=30", "", asPart).Body.String()
	files := map[string][][]string{}
	for rest := page; ; {
		_, after, found := strings.Cut(rest, `href="/messages/csv/`)
		if !found {
			break
		}
		rest = after
		to := linkIn(t, `href="/messages/csv/`+after, "/messages/csv/")
		w := b.get(to)
		if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "text/csv; charset=utf-8" || !strings.HasPrefix(w.Header().Get("Content-Disposition"), "attachment; filename=") {
			t.Errorf("%s: %d %v", to, w.Code, w.Header())
		}
		lines, err := csv.NewReader(w.Body).ReadAll()
		if err != nil || len(lines) < 2 {
			t.Errorf("%s: %v, %v", to, lines, err)
		}
		u, _ := url.Parse(to)
		files[strings.TrimPrefix(u.Path, "/messages/csv/")] = lines
	}
	for _, name := range []string{"funnel", "messages", "days", "health", "bounces", "providers"} {
		if files[name] == nil {
			t.Errorf("no file %s among %d", name, len(files))
		}
	}
	if m := files["messages"]; len(m) != 2 || m[0][4] != "delivery_rate" || m[1][0] != "campaign 7" || m[1][3] != "10" || m[1][4] != "0.8" {
		t.Errorf("messages.csv: %q", m)
	}
	for _, line := range files["bounces"] {
		if strings.HasPrefix(line[3], "=") {
			t.Errorf("a formula: %q", line)
		}
	}
	if w := b.get("/messages/csv/nothing"); w.Code != http.StatusNotFound {
		t.Errorf("an unknown table: %d", w.Code)
	}
}

// A page without numbers says why, and what to do.
func TestMessagesWithoutNumbers(t *testing.T) {
	t.Parallel()
	none := newBed(t, nil)
	if page := none.get("/messages").Body.String(); !strings.Contains(page, "There is no warehouse yet") || strings.Contains(page, "hx-get") {
		t.Errorf("without a file:\n%s", page)
	}
	empty := newBed(t, func(c *console.Config) {
		if err := c.Warehouses[0].Migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
	filled := newFilledBed(t, campaign(time.Now().AddDate(0, 0, -40)), nil)
	for target, tt := range map[string]struct {
		*bed
		want string
	}{
		"/messages/numbers?days=0":            {empty, "The warehouse has no events yet"},
		"/messages/numbers?days=7":            {filled, "No message was sent on these days"},
		"/messages/numbers?days=0&campaign=8": {filled, "There are no events of campaign 8"},
	} {
		if page := tt.call("GET", target, "", asPart).Body.String(); !strings.Contains(page, tt.want) {
			t.Errorf("%s lacks %q:\n%s", target, tt.want, page)
		}
	}
	for _, query := range []string{"days=2", "days=x", "timezone=Local", "timezone=../etc", "timezone=Mars/Base", "campaign=x", "campaign=-1"} {
		for _, path := range []string{"/messages?", "/messages/numbers?", "/messages/csv/days?"} {
			if w := filled.get(path + query); w.Code != http.StatusBadRequest {
				t.Errorf("%s: %d, want 400", path+query, w.Code)
			}
		}
	}
}
