package manifests_test

import (
	"cmp"
	"encoding/json"
	"math"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

// A dashboard is the part of Grafana's model that is checked.
type dashboard struct {
	UID, Title string
	Templating struct{ List []variable }
	Panels     []panel
}

type panel struct {
	ID      int
	Type    string
	Title   string
	GridPos struct{ H, W, X, Y int }
	Targets []struct{ Expr string }
}

// A variable is a choice above the panels. The value of "all" is AllValue, or without it
// all values.
type variable struct{ Name, Type, Definition, AllValue string }

// fill replaces variables in an expression.
func fill(expr string, variables map[string]string) string {
	expr = strings.ReplaceAll(expr, "$__rate_interval", "5m") // Grafana's own
	for name, value := range variables {
		expr = strings.ReplaceAll(expr, "$"+name, value)
	}
	return expr
}

// anything is every variable with the choice of all.
var anything = map[string]string{"namespace": ".*", "workspace": ".*", "consumer": ".*"}

var labelValues = regexp.MustCompile(`^label_values\((.*), (\w+)\)$`)

// variables asks for the values of the variables as Grafana does, with the choice of all.
// Each variable must have a value.
func (d *dashboard) variables(t *testing.T, s *site) map[string]string {
	t.Helper()
	chosen := map[string]string{}
	for _, v := range d.Templating.List {
		if v.Type != "query" {
			continue
		}
		asked := labelValues.FindStringSubmatch(v.Definition)
		if asked == nil {
			t.Fatalf("variable %s asks for %q", v.Name, v.Definition)
		}
		var values []string
		for _, sample := range query(t, s, "count by ("+asked[2]+") (last_over_time("+fill(asked[1], chosen)+"[6h]))", s.now) {
			values = append(values, sample.Metric.Get(asked[2]))
		}
		if len(values) == 0 || slices.Contains(values, "") {
			t.Errorf("variable %s has the values %q", v.Name, values)
		}
		chosen[v.Name] = cmp.Or(v.AllValue, "("+strings.Join(values, "|")+")")
	}
	return chosen
}

func (p *panel) hasData(t *testing.T, s *site, variables map[string]string) bool {
	t.Helper()
	for _, target := range p.Targets {
		for _, sample := range query(t, s, fill(target.Expr, variables), s.now) {
			if !math.IsNaN(sample.F) {
				return true
			}
		}
	}
	return false
}

// TestPanelsObeyTheVariables: the choice of a namespace, a workspace and a consumer
// narrows every series that has such a label.
func TestPanelsObeyTheVariables(t *testing.T) {
	t.Parallel()
	all := allInstruments(t)
	for _, p := range loadDashboard(t).Panels {
		for _, target := range p.Targets {
			tree, err := promql.ParseExpr(strings.ReplaceAll(target.Expr, "$__rate_interval", "5m"))
			if err != nil {
				t.Fatal(err)
			}
			for _, selector := range parser.ExtractSelectors(tree) {
				checkVariables(t, p.Title, all, selector)
			}
		}
	}
}

func checkVariables(t *testing.T, title string, all instruments, selector []*labels.Matcher) {
	t.Helper()
	name, chosen := "", map[string]string{}
	for _, m := range selector {
		if m.Name == labels.MetricName {
			name = m.Value
		}
		if m.Type == labels.MatchRegexp && strings.HasPrefix(m.Value, "$") {
			chosen[m.Name] = m.Value
		}
	}
	for label, variable := range map[string]string{"namespace": "$namespace", "workspace": "$workspace", "consumer": "$consumer", "consumer_name": "$consumer"} {
		if _, has := all[name][label]; (has || label == "namespace") && chosen[label] != variable {
			t.Errorf("panel %q: %s does not ask for %s", title, name, variable)
		}
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
			expr := fill(target.Expr, anything)
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
