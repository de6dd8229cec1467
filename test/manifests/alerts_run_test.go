package manifests_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
)

// TestAlertsInARun runs the system, on an ordinary day and then with each fault, and
// evaluates the rules on the metrics that it reported. Every alert is quiet on the ordinary
// day and fires in its fault.
func TestAlertsInARun(t *testing.T) {
	t.Parallel()
	rules := load(t, "production").alerts()
	for _, r := range rules {
		if !slices.ContainsFunc(failures(), func(f failure) bool { return f.alert == r.Alert }) {
			t.Errorf("failures() has no entry for %s", r.Alert)
		}
	}
	s := startSite(t)
	s.ordinaryDay(t, rules)
	panels := loadDashboard(t)
	panels.look(t, s, "")
	for _, f := range failures() {
		i := slices.IndexFunc(rules, func(r monitoringv1.Rule) bool { return r.Alert == f.alert })
		if i < 0 {
			t.Errorf("there is no alert %s", f.alert)
			continue
		}
		began := time.Now()
		if asks := strings.Contains(rules[i].Expr.StrVal, "jetstream_") || strings.Contains(rules[i].Expr.StrVal, "gnatsd_"); asks != f.made {
			t.Errorf("%s asks for series of the exporter: %t, made: %t", f.alert, asks, f.made)
		}
		s.pass(1, nil) // counters begin at their value before the failure
		f.cause(s)
		if !firesAt(t, &rules[i], s, s.now) {
			t.Errorf("%s does not fire", f.alert)
		}
		panels.look(t, s, f.alert)
		s.restore()
		if f.undo != nil {
			f.undo(s)
		}
		s.settle()
		t.Logf("%s: %v", f.alert, time.Since(began).Round(time.Millisecond))
	}
}

// emptyPanels show nothing on an ordinary day, and have data during a failure.
var emptyPanels = []struct{ title, reason, failure string }{
	{"Certificate ends in", "ingest has no certificate of its own", "CioeventsCertificateExpires"},
	{"Age of the last audit", "nobody has audited", "CioeventsAuditOld"},
	{"Dead letters by reason", "there are none", "CioeventsDeadLetters"},
}

// look wants data in each panel, on an ordinary day or during a failure.
func (d *dashboard) look(t *testing.T, s *site, failure string) {
	t.Helper()
	variables := d.variables(t, s)
	for _, p := range d.Panels {
		i := slices.IndexFunc(emptyPanels, func(e struct{ title, reason, failure string }) bool { return e.title == p.Title })
		if want := i >= 0 && failure == emptyPanels[i].failure || i < 0 && failure == ""; !want && failure != "" {
			continue
		} else if got := p.hasData(t, s, variables); got != want && p.Type != "row" {
			t.Errorf("failure %q: panel %q has data: %t", failure, p.Title, got)
		}
	}
}

// ordinaryDay is an installation, an hour without a call, and then some hours of calls.
func (s *site) ordinaryDay(t *testing.T, rules []monitoringv1.Rule) {
	t.Helper()
	quiet := func() {
		t.Helper()
		for i := range rules {
			if firesAt(t, &rules[i], s, s.now) {
				t.Errorf("%s fires on an ordinary day", rules[i].Alert)
			}
		}
	}
	s.ready(workerPod)
	s.pass(58, nil)
	quiet()
	for range 4 {
		s.pass(30, s.traffic)
		s.settle() // a batch takes up to a second of the real time
		s.pass(1, nil)
		quiet()
	}
}
