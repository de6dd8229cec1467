package manifests_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// A dashboard is the part of Grafana's model that is checked.
type dashboard struct {
	UID, Title string
	Templating struct{ List []struct{ Name string } }
	Panels     []struct {
		ID      int
		Type    string
		Title   string
		GridPos struct{ H, W, X, Y int }
		Targets []struct{ Expr string }
	}
}

func loadDashboard(t *testing.T) dashboard {
	t.Helper()
	text, err := os.ReadFile("../../deploy/grafana/cioevents.json")
	if err != nil {
		t.Fatal(err)
	}
	var d dashboard
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	return d
}

func TestDashboardAsksForWhatIsMeasured(t *testing.T) {
	t.Parallel()
	d := loadDashboard(t)
	all := allInstruments(t)
	used := map[string]bool{}
	for _, p := range d.Panels {
		if p.Type != "row" && len(p.Targets) == 0 {
			t.Errorf("panel %q shows nothing", p.Title)
		}
		for _, target := range p.Targets {
			expr := strings.ReplaceAll(target.Expr, "$__rate_interval", "5m") // Grafana's own
			for _, m := range all.check(expr) {
				t.Errorf("panel %q: %s", p.Title, m)
			}
			for name := range all {
				used[name] = used[name] || strings.Contains(expr, name)
			}
		}
	}
	for name := range all {
		family := name // of a histogram one series is enough
		for _, suffix := range []string{"_bucket", "_sum", "_count"} {
			family = strings.TrimSuffix(family, suffix)
		}
		if strings.HasPrefix(name, "cioevents_") && !used[name] && !used[family+"_bucket"] && !used[family+"_sum"] {
			t.Errorf("no panel shows %s", name)
		}
	}
}

func TestPanelsDoNotOverlap(t *testing.T) {
	t.Parallel()
	d := loadDashboard(t)
	ids := map[int]bool{}
	for i, p := range d.Panels {
		if ids[p.ID] {
			t.Errorf("panel %q has the id of another", p.Title)
		}
		ids[p.ID] = true
		a := p.GridPos
		if a.X+a.W > 24 {
			t.Errorf("panel %q is wider than the dashboard", p.Title)
		}
		for _, q := range d.Panels[i+1:] {
			b := q.GridPos
			if a.X < b.X+b.W && b.X < a.X+a.W && a.Y < b.Y+b.H && b.Y < a.Y+a.H {
				t.Errorf("panels %q and %q overlap", p.Title, q.Title)
			}
		}
	}
}
