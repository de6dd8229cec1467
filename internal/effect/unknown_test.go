package effect_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cioevents/cioevents/internal/effect"
	"github.com/cioevents/cioevents/pkg/webhook"
)

// A rule may name words that Customer.io has added since this version.
func TestWarnings(t *testing.T) {
	t.Parallel()
	r := rules(t, `
- {name: a, when: {metric: [opend, sent], object_type: [email, rcs]}, set: {a: true}}
- {name: b, when: {metric: unsubscribed}, unless: {object_type: custmer}, set: {b: true}}
- {name: c, when: {metric: vanished}, set: {c: true}}
`)
	want := []string{
		`test.yaml:3: rule a: this version does not know the object_type "rcs"; the nearest known word is "sms"`,
		`test.yaml:3: rule a: this version does not know the metric "opend"; the nearest known word is "opened"`,
		`test.yaml:4: rule b: this version does not know the object_type "custmer"; the nearest known word is "customer"`,
		`test.yaml:5: rule c: this version does not know the metric "vanished"; the nearest known word is "`,
	}
	got := r.Warnings()
	if len(got) != len(want) {
		t.Fatalf("warnings are\n%s", strings.Join(got, "\n"))
	}
	for i := range want {
		if !strings.HasPrefix(got[i], want[i]) {
			t.Errorf("warning %d is\n%s\nwant\n%s", i+1, got[i], want[i])
		}
	}
	if w := builtinRules(t).Warnings(); len(w) > 0 {
		t.Errorf("the built-in rules have warnings: %v", w)
	}
}

func TestUnknownWordsApply(t *testing.T) {
	t.Parallel()
	p := effect.Policy{Rules: rules(t, `
- {name: a, when: {metric: vanished, object_type: hologram}, set: {a: true}}
- {name: b, when: {metric: [vanished, sent]}, unless: {object_type: hologram}, set: {b: true}}
`)}
	for _, c := range []struct {
		objectType webhook.ObjectType
		metric     webhook.Metric
		want       []effect.Call
	}{
		{"hologram", "vanished", []effect.Call{identify(attributes{"a": true})}},
		{webhook.Email, "vanished", []effect.Call{identify(attributes{"b": true})}},
		{"hologram", webhook.Sent, nil},
	} {
		if diff := cmp.Diff(c.want, p.Suppression(event(c.objectType, c.metric), receivedAt)); diff != "" {
			t.Errorf("%s %s: calls (-want +got):\n%s", c.objectType, c.metric, diff)
		}
	}
	if diff := cmp.Diff([]webhook.Metric{webhook.Sent, "vanished"}, p.SuppressionMetrics()); diff != "" {
		t.Errorf("SuppressionMetrics (-want +got):\n%s", diff)
	}
}

// strange returns a rule for n unknown metrics, in a single line.
func strange(name string, n int) string {
	var list strings.Builder
	for i := range n {
		fmt.Fprintf(&list, "%s%d, ", name, i)
	}
	return fmt.Sprintf("- {name: %s, when: {metric: [%s]}, set: {%s: 1}}\n", name, list.String(), name)
}
