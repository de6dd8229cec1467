package manifests_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"

	"github.com/cioevents/cioevents/internal/warehouse"
)

// mail is a series of the e-mails of the workspace default.
func mail(provider, outcome, values string) string {
	return `cioevents_mail_total{workspace="default",provider="` + provider + `",outcome="` + outcome + `",pod="a"} ` + values
}

// mailCases have rates over a day of 1,440 minutes.
func mailCases() []alertCase {
	// often are the opens of four weeks, 40 % of 1,440 e-mails a day, with others in the last
	// two days.
	const delivered, often = "0+1x40320", "0+0.4x37440 14976"
	opens := func(provider, delivered, opened string) []string {
		return []string{mail(provider, "delivered", delivered), mail(provider, "opened_human", opened)}
	}
	return []alertCase{
		{"CioeventsComplaints", "0.2 % of Yahoo's", 1500, []string{mail("yahoo", "delivered", "0+10x1500"), mail("yahoo", "complained", "0+0.02x1500")}, true},
		{"CioeventsComplaints", "0.05 %", 1500, []string{mail("yahoo", "delivered", "0+10x1500"), mail("yahoo", "complained", "0+0.005x1500")}, false},
		{"CioeventsComplaints", "0.2 % of Yahoo's, few of all", 1500, []string{
			mail("yahoo", "delivered", "0+1x1500"), mail("yahoo", "complained", "0+0.002x1500"), mail("other", "delivered", "0+100x1500"), mail("other", "complained", "0x1500"),
		}, true},
		{"CioeventsComplaints", "four of twenty", 1500, []string{mail("other", "delivered", "0x1400 20x99"), mail("other", "complained", "0x1400 4x99")}, true},
		{"CioeventsComplaints", "two of twenty", 1500, []string{mail("other", "delivered", "0x1400 20x99"), mail("other", "complained", "0x1400 2x99")}, false},
		{"CioeventsComplaints", "two of 900", 1500, []string{mail("other", "delivered", "0x1400 900x99"), mail("other", "complained", "0x1400 2x99")}, false},
		{"CioeventsComplaints", "of Gmail, by a forwarder", 1500, []string{mail("gmail", "delivered", "0+10x1500"), mail("gmail", "complained", "0+1x1500")}, false},
		{"CioeventsHardBounces", "3 %", 1500, []string{mail("gmail", "sent", "0+1x1500"), mail("gmail", "bounced_hard", "0+0.03x1500")}, true},
		{"CioeventsHardBounces", "1 %", 1500, []string{mail("gmail", "sent", "0+1x1500"), mail("gmail", "bounced_hard", "0+0.01x1500")}, false},
		{"CioeventsHardBounces", "50 of 100", 1500, []string{mail("gmail", "sent", "0x1400 100x99"), mail("gmail", "bounced_hard", "0x1400 50x99")}, false},
		{"CioeventsHardBounces", "soft", 1500, []string{mail("gmail", "sent", "0+1x1500"), mail("gmail", "bounced_hard", "0x1500"), mail("gmail", "bounced_soft", "0+0.5x1500")}, false},
		{"CioeventsSenderUnauthenticated", "one", 1500, []string{mail("gmail", "unauthenticated", "0x1400 1x99")}, true},
		{"CioeventsSenderUnauthenticated", "yesterday", 1500, []string{mail("gmail", "unauthenticated", "1x1500")}, false},
		{"CioeventsMailRefused", "2 %", 1500, []string{mail("microsoft", "sent", "0+1x1500"), mail("microsoft", "blocked", "0+0.02x1500")}, true},
		{"CioeventsMailRefused", "unauthenticated", 1500, []string{mail("microsoft", "sent", "0+1x1500"), mail("microsoft", "unauthenticated", "0+0.02x1500")}, true},
		{"CioeventsMailRefused", "0.5 %", 1500, []string{mail("microsoft", "sent", "0+1x1500"), mail("microsoft", "blocked", "0+0.005x1500")}, false},
		{"CioeventsMailRefused", "50 of 100", 1500, []string{mail("microsoft", "sent", "0x1400 100x99"), mail("microsoft", "blocked", "0x1400 50x99")}, false},
		{"CioeventsMailRefused", "delayed", 1500, []string{mail("microsoft", "sent", "0+1x1500"), mail("microsoft", "blocked", "0x1500"), mail("microsoft", "deferred", "0+0.5x1500")}, false},
		{"CioeventsOpensDropped", "to a quarter", 40320, opens("gmail", delivered, often+"+0.1x2879"), true},
		{"CioeventsOpensDropped", "to three quarters", 40320, opens("gmail", delivered, often+"+0.3x2879"), false},
		{"CioeventsOpensDropped", "to a quarter, of few", 40320, opens("gmail", "0+0.5x40320", often+"+0.1x2879"), false},
		{"CioeventsOpensDropped", "a newsletter of ten times as many, not opened yet", 40320, opens("gmail", "0+1x40200 50000x119", often+"+0.4x2879"), false},
		{"CioeventsOpensDropped", "a feed of five days", 7200, opens("gmail", "0+1x7200", "0+0.4x4320 1728+0.1x2879"), false},
	}
}

// The alerts warn where the views do. CioeventsOpensDropped has rougher numbers than the
// views, and fires where they say bad.
func TestAlertsHaveTheLimitsOfTheViews(t *testing.T) {
	t.Parallel()
	rules := load(t, "production").alerts()
	warn := func(l warehouse.Limit) string { return fmt.Sprintf(">= %g\n", float64(l.Warn)/1000) }
	least := func(l warehouse.Limit) string { return fmt.Sprintf(">= %d", l.Least) }
	for alert, wants := range map[string][]string{
		"CioeventsComplaints":            {warn(warehouse.ComplaintLimit), least(warehouse.ComplaintLimit), fmt.Sprintf(">= %d\n", warehouse.ComplaintLimit.Enough)},
		"CioeventsHardBounces":           {warn(warehouse.HardBounceLimit), least(warehouse.HardBounceLimit)},
		"CioeventsMailRefused":           {warn(warehouse.RefusalLimit), least(warehouse.RefusalLimit)},
		"CioeventsSenderUnauthenticated": {fmt.Sprintf(">= %d", warehouse.UnauthenticatedLimit.Warn)},
		"CioeventsOpensDropped":          {fmt.Sprintf("< %g\n", 1-float64(warehouse.OpensLimit.Bad)/1000), least(warehouse.OpensLimit)},
	} {
		i := slices.IndexFunc(rules, func(r monitoringv1.Rule) bool { return r.Alert == alert })
		for _, want := range wants {
			if expr := rules[i].Expr.StrVal + "\n"; !strings.Contains(expr, want) {
				t.Errorf("%s has no %q:\n%s", alert, want, expr)
			}
		}
	}
}
