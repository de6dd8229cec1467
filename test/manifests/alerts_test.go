package manifests_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
)

func (s *system) alerts() (list []monitoringv1.Rule) {
	for _, r := range s.rules {
		for _, g := range r.Spec.Groups {
			list = append(list, g.Rules...)
		}
	}
	return list
}

func TestAlertsAskForWhatIsMeasured(t *testing.T) {
	t.Parallel()
	alerts := load(t, "production").alerts()
	if len(alerts) == 0 {
		t.Fatal("there are no alerts")
	}
	all := allInstruments(t)
	for _, a := range alerts {
		for _, m := range all.check(a.Expr.StrVal) {
			t.Errorf("%s: %s", a.Alert, m)
		}
		if a.Annotations["summary"] == "" || !slices.Contains([]string{"critical", "warning"}, a.Labels["severity"]) {
			t.Errorf("%s: summary %q, severity %q", a.Alert, a.Annotations["summary"], a.Labels["severity"])
		}
	}
}

// TestEveryProgramIsMonitored: the monitor selects a Service of each, and asks at
// a port that it has.
func TestEveryProgramIsMonitored(t *testing.T) {
	t.Parallel()
	s := load(t, "production")
	seen := map[string]bool{}
	for _, m := range s.monitors {
		for _, svc := range s.services {
			if !selects(t, &m.Spec.Selector, svc.Labels) {
				continue
			}
			for _, e := range m.Spec.Endpoints {
				if s.servicePort(svc.Name, e.Port) != nil {
					seen[svc.Name] = true
				}
			}
		}
	}
	for _, want := range []string{"ingest-admin", "worker-suppression", "worker-engagement", "worker-warehouse", "nats-headless"} {
		if !seen[want] {
			t.Errorf("nothing scrapes %s", want)
		}
	}
}

// TestAlertsHaveRunbooks: the runbooks have a heading with the name of each alert.
func TestAlertsHaveRunbooks(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	const page = "https://github.com/cioevents/cioevents/blob/main/docs/operations.md#"
	for _, a := range load(t, "production").alerts() {
		if url := a.Annotations["runbook_url"]; url != page+strings.ToLower(a.Alert) {
			t.Errorf("%s: runbook_url %q", a.Alert, url)
		}
		if !strings.Contains(string(text), "\n### "+a.Alert+"\n") {
			t.Errorf("docs/operations.md has no runbook ### %s", a.Alert)
		}
	}
}
