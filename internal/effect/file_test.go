package effect_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cioevents/cioevents/internal/effect"
	"github.com/cioevents/cioevents/pkg/webhook"
)

func TestMistakes(t *testing.T) {
	t.Parallel()
	// one returns a file with a single rule, whose keys begin in line 4.
	one := func(keys ...string) string {
		return "version: 1\nrules:\n- name: a\n  " + strings.Join(keys, "\n  ") + "\n"
	}
	set := func(value string) string { return one("when: {metric: sent}", "set: {"+value+"}") }
	for _, c := range []struct {
		name, file string
		want       []string // each the beginning of one mistake
	}{
		{"empty", "", []string{"f: the file is empty"}},
		{"a comment", "# nothing\n", []string{"f: the file is empty"}},
		{"no mapping", "- a\n", []string{"f:1: the file must be a mapping, not a list"}},
		{"no YAML", "version: 1\nrules: [\n", []string{"f:3: invalid YAML"}},
		{"a tab", "version: 1\n\trules: []\n", []string{"f:2: invalid YAML"}},
		{"no text", "\xff\xff", []string{"f: invalid YAML"}},
		{"two documents", "version: 1\nrules: []\n---\nversion: 1\n", []string{"f:3: a second document begins"}},
		{"keys missing", "{}\n", []string{"f:1: version is missing", "f:1: rules are missing"}},
		{"another version", "version: 2\nrules: {}\n", []string{`f:1: version must be 1, not "2"`, "f:2: rules must be a list, not a mapping"}},
		{"a version in quotes", "version: \"1\"\nrules: []\n", []string{"f:1: version must be 1"}},
		{"an unknown key", "version: 1\nrules: []\nmode: off\n", []string{`f:3: unknown key "mode" in the file; want one of rules, version`}},
		{"a key twice", "version: 1\nrules: []\nversion: 1\n", []string{`f:3: duplicate key "version" in the file; the first one is in line 1`}},
		{"an anchor", "version: 1\nrules: &a []\n", []string{"f:2: anchors and aliases are not supported"}},
		{"an alias", "version: 1\nrules: [*a]\n", []string{"f:2: invalid YAML"}},
		{"a merge", one("<<: {name: b}", "when: {metric: sent}", "set: {a: 1}"), []string{`f:4: rule a: unknown key "<<" in a rule`}},
		{"a tag", "version: 1\nrules: !!seq []\n", []string{"f:2: tags such as !!seq are not supported"}},

		{"no rule", "version: 1\nrules: [a]\n", []string{`f:2: a rule must be a mapping, not "a"`}},
		{"no name", "version: 1\nrules:\n- when: {metric: sent}\n  set: {a: 1}\n", []string{"f:3: the rule has no name"}},
		{"a wrong name", "version: 1\nrules:\n- {name: A b, when: {metric: sent}, set: {a: 1}}\n", []string{`f:3: invalid name "A b": want a-z`}},
		{"no text for a name", "version: 1\nrules:\n- {name: 1, when: {metric: sent}, set: {a: 1}}\n", []string{`f:3: name must be a string, not "1"`}},
		{
			"a name twice", "version: 1\nrules:\n- {name: a, when: {metric: sent}, set: {a: 1}}\n- {name: a, when: {metric: sent}, set: {b: 1}}\n",
			[]string{"f:4: rule a: duplicate name; the first rule of this name is in line 3"},
		},
		{"no when", one("set: {a: 1}"), []string{"f:3: rule a: when is missing"}},
		{"an empty when", one("when: {}", "set: {a: 1}"), []string{"f:4: rule a: when is empty"}},
		{"an empty list", one("when: {metric: []}", "set: {a: 1}"), []string{"f:4: rule a: metric is an empty list; want one or more of attempted, bounced"}},
		{"no metric", one("when: {object_type: sms}", "set: {a: 1}"), []string{"f:3: rule a: when has no metric"}},
		{"a metric by its other name", one("when:", "  metric: [sent, complained]", "set: {a: 1}"), []string{`f:5: rule a: metric "complained" is called spammed`}},
		{"a metric in upper case", one("when: {metric: Sent}", "set: {a: 1}"), []string{`f:4: rule a: metric "Sent" is a word that no event has; want a-z`}},
		{"an empty metric", one(`when: {metric: ""}`, "set: {a: 1}"), []string{`f:4: rule a: metric "" is a word that no event has`}},
		{"too many words", one("when: {metric: ["+strings.Repeat("sent, ", 51)+"]}", "set: {a: 1}"), []string{"f:4: rule a: metric has 51 words, the limit is 50"}},
		{
			"too many unknown words", "version: 1\nrules:\n" + strange("a", 15) + strange("b", 15),
			[]string{"f:1: the rules name more than 20 object types and metrics that this version does not know"},
		},
		{"a metric twice", one("when: {metric: [sent, sent]}", "set: {a: 1}"), []string{`f:4: rule a: duplicate metric "sent"`}},
		{"an object type that no event has", one("when: {metric: sent, object_type: e-mäil}", "set: {a: 1}"), []string{`f:4: rule a: object_type "e-mäil" is a word that no event has`}},
		{"an unknown metric that suppresses", one("when: {metric: vanished, object_type: email}", "suppress: true"), []string{"f:3: rule a: metric vanished cannot suppress"}},
		{"an unknown class of an unknown metric", one("when: {metric: vanished, bounce_class: hard}", "set: {a: 1}"), []string{"f:3: rule a: the rule never applies"}},
		{
			"an attribute of two rules for an unknown metric", "version: 1\nrules:\n- {name: a, when: {metric: vanished}, set: {x: 1}}\n- {name: b, when: {metric: vanished, object_type: fax}, set: {x: 2}}\n",
			[]string{`f:4: rule b: attribute "x" is also set by rule a (line 3) for the same event: fax vanished`},
		},
		{"no boolean for recipients", one("when: {metric: opened}", "set: {a: 1}", "any_recipient: 1"), []string{"f:6: rule a: any_recipient must be true or false"}},
		{"an unknown class", one("when: {metric: bounced, bounce_class: firm}", "set: {a: 1}"), []string{`f:4: rule a: unknown bounce_class "firm"; want one of hard, soft, unknown`}},
		{"no boolean", one("when: {metric: opened, machine: no}", "set: {a: 1}"), []string{`f:4: rule a: machine must be true or false, not "no"`}},
		{"does nothing", one("when: {metric: sent}", "suppress: false"), []string{"f:3: rule a: the rule does nothing"}},
		{"never applies", one("when: {metric: sent, machine: true}", "set: {a: 1}"), []string{"f:3: rule a: the rule never applies"}},
		{"never applies, as it excludes itself", one("when: {metric: sent}", "unless: {metric: [sent, drafted]}", "set: {a: 1}"), []string{"f:3: rule a: the rule never applies"}},
		{"a class of what is no bounce", one("when: {metric: dropped, bounce_class: hard}", "set: {a: 1}"), []string{"f:3: rule a: the rule never applies"}},

		{"nothing set", one("when: {metric: sent}", "set: {}"), []string{"f:5: rule a: set is empty"}},
		{"no mapping set", one("when: {metric: sent}", "set: [a]"), []string{"f:5: rule a: set must be a mapping, not a list"}},
		{"an attribute twice", one("when: {metric: sent}", "set:", "  a: 1", "  a: 2"), []string{`f:7: rule a: duplicate key "a" in set; the first one is in line 6`}},
		{"no value", set("a: "), []string{`f:5: rule a: set: the value of "a" must be a string, true, false or a whole number, not nothing`}},
		{"a fraction", set("a: 1.5"), []string{`f:5: rule a: set: the value of "a" must be a string, true, false or a whole number, not "1.5"`}},
		{"a date", set("a: 2026-01-01"), []string{`f:5: rule a: set: the value of "a" must be a string`}},
		{"a list", set("a: [1]"), []string{`f:5: rule a: set: the value of "a" must be a string, true, false or a whole number, not a list`}},
		{"an octal", set("a: 0777"), []string{`f:5: rule a: set: the value of "a" must be a decimal number`}},
		{"too large a number", set("a: 9223372036854775808"), []string{`f:5: rule a: set: the value of "a" must be a decimal number`}},
		{"yes", set("a: Yes"), []string{`f:5: rule a: set: the value of "a" is ambiguous: some versions of YAML read Yes as a boolean`}},
		{"an anchor at a value", set("a: &x 1"), []string{`f:5: rule a: set: the value of "a" has an anchor`}},
		{"a reference without quotes", set("a: {{metric}}"), []string{`f:5: rule a: set: the value of "a" must be a string, true, false or a whole number, not a mapping; put a field in quotes`}},
		{"an unknown field", set(`a: "{{recipient}}"`), []string{`f:5: rule a: set: the value of "a" is not a reference to a field: "{{recipient}}"; want "{{field}}" and nothing around the braces, with one of the fields action_id,`}},
		{"text around a reference", set(`a: "id {{event_id}}"`), []string{`f:5: rule a: set: the value of "a" is not a reference to a field: "id {{event_id}}"`}},
		{"half a reference", set(`a: "{{event_id"`), []string{`f:5: rule a: set: the value of "a" is not a reference to a field: "{{event_id"`}},
		{"too long a value", set("a: " + strings.Repeat("x", 1001)), []string{`f:5: rule a: set: the value of "a" has 1001 bytes, the limit is 1000`}},
		{"too long a name", set(strings.Repeat("x", 151) + ": 1"), []string{`f:5: rule a: set: "xxx`}},
		{"a blank", set(`"a ": 1`), []string{`f:5: rule a: set: "a " begins or ends with white space`}},
		{"no name at all", set(`"": 1`), []string{`f:5: rule a: set: "" is empty`}},
		{"a control character", set(`"a\nb": 1`), []string{`f:5: rule a: set: "a\nb" contains control characters`}},
		{"a reference for a name", set(`"{{metric}}": 1`), []string{`f:5: rule a: set: "{{metric}}" contains braces`}},
		{"the preferences", set("cio_subscription_preferences.topics.topic_1: false"), []string{`f:5: rule a: set: "cio_subscription_preferences.topics.topic_1" is reserved`}},
		{"an opt-out", set("unsubscribed: true"), []string{`f:5: rule a: set: "unsubscribed" cannot be set; use "unsubscribe: true"`}},
		{
			"reserved", one("when: {metric: sent}", "set:", "  id: x", "  Email: x", "  cio_id: x", "  _update: x", "  _timestamp: x", "  anonymous_id: x", "  created_at: 1"),
			[]string{
				`f:6: rule a: set: "id" is reserved`, `f:7: rule a: set: "Email" is reserved`, `f:8: rule a: set: "cio_id" is reserved`, `f:9: rule a: set: "_update" is reserved`,
				`f:10: rule a: set: "_timestamp" is reserved`, `f:11: rule a: set: "anonymous_id" is reserved`, `f:12: rule a: set: "created_at" is reserved`,
			},
		},

		{"no event", one("when: {metric: sent}", "track: {}"), []string{"f:5: rule a: track has no event"}},
		{"no event's name", one("when: {metric: sent}", `track: {event: ""}`), []string{`f:5: rule a: event "" is empty`}},
		{"too long an event", one("when: {metric: sent}", "track: {event: "+strings.Repeat("x", 101)+"}"), []string{`f:5: rule a: event "xxx`}},
		{"data that redirects", one("when: {metric: sent}", "track: {event: x, data: {Recipient: a}}"), []string{`f:5: rule a: data: "Recipient" is reserved`}},
		{"no boolean for people", one("when: {metric: sent}", "track: {event: x, without_cio_id: 1}"), []string{`f:5: rule a: without_cio_id must be true or false`}},

		{"everybody deleted", one("when: {object_type: email, metric: [bounced, delivered]}", "suppress: true"), []string{"f:3: rule a: metric delivered cannot suppress, because suppress deletes people for good; only bounced, dropped, spammed, unsubscribed can"}},
		{"a dead device", one("when: {object_type: [email, push], metric: bounced}", "suppress: true"), []string{"f:3: rule a: suppress needs an object_type other than push"}},
		{"any dead device", one("when: {metric: bounced}", "suppress: true"), []string{"f:3: rule a: suppress needs an object_type"}},
		{"an open that unsubscribes", one("when: {metric: opened}", "unsubscribe: true"), []string{"f:3: rule a: metric opened cannot unsubscribe"}},
		{"a circle", one("when: {metric: unsubscribed}", "unsubscribe: true"), []string{"f:3: rule a: would answer Customer.io's report of an opt-out with another opt-out"}},
		{"a circle in another mode", one("when: {metric: unsubscribed, object_type: customer}", "suppress: true"), []string{"f:3: rule a: would answer"}},
		{
			"an attribute of two rules", "version: 1\nrules:\n- {name: a, when: {metric: opened}, set: {x: 1, y: 1, z: 1}}\n- {name: b, when: {metric: [sent, opened], machine: true}, set: {y: 2, z: 1}}\n",
			[]string{`f:4: rule b: attribute "y" is also set by rule a (line 3) for the same event: customer opened, by a machine`, `f:4: rule b: attribute "z" is also set`},
		},
		{"too many attributes", "version: 1\nrules:\n" + many("a", 200) + many("b", 98), []string{"f:1: the rules set 298 attributes for one event, the limit is 297"}},
		{"too many at once", "version: 1\nrules:\n" + many("a", 298), []string{"f:3: rule a: set has 298 names, the limit is 297"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := effect.Parse("f", []byte(c.file))
			if err == nil {
				t.Fatal("Parse reports no mistake")
			}
			got := strings.Split(err.Error(), "\n")
			if len(got) != len(c.want) {
				t.Fatalf("%d mistakes, want %d:\n%v", len(got), len(c.want), err)
			}
			for i := range got {
				if !strings.HasPrefix(got[i], c.want[i]) {
					t.Errorf("mistake %d is\n%s\nwant\n%s", i+1, got[i], c.want[i])
				}
			}
		})
	}
}

// many returns a rule with n attributes, in a single line.
func many(name string, n int) string {
	var set strings.Builder
	for i := range n {
		fmt.Fprintf(&set, "%s%d: 1, ", name, i)
	}
	return fmt.Sprintf("- {name: %s, when: {metric: sent}, set: {%s}}\n", name, set.String())
}

func TestMistakesAreReportedTogether(t *testing.T) {
	t.Parallel()
	file := `version: 3
rules:
- name: a
  when: {metric: [sent, complained], object_type: FAX}
  set: {id: x, ok: 1.5}
- name: b
  when: {metric: delivered}
  suppress: true
- name: c
  when: {metric: unsubscribed}
  unsubscribe: true
`
	_, err := effect.Parse("f", []byte(file))
	if err == nil {
		t.Fatal("Parse reports no mistake")
	}
	var lines []string
	for l := range strings.SplitSeq(err.Error(), "\n") {
		lines = append(lines, strings.Join(strings.Split(l, ":")[:2], ":"))
	}
	want := []string{"f:1", "f:4", "f:4", "f:5", "f:5", "f:6", "f:6", "f:9"}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Errorf("lines (-want +got):\n%s\n%v", diff, err)
	}
	if _, err := effect.Parse("f", []byte("version: 1\nrules: ["+strings.Repeat("x, ", 1000)+"]")); !strings.HasSuffix(err.Error(), "\nf: and 950 more mistakes") {
		t.Errorf("a thousand mistakes: %.80v…", err)
	}
}

// The output of YAML must parse to equal rules, and must look like a file that a person
// would write.
func TestYAML(t *testing.T) {
	t.Parallel()
	file := `version: 1
rules:
  - name: a
    when: {object_type: [sms, push], metric: bounced, bounce_class: [hard, unknown]}
    unless: {machine: true}
    set:
      "a b": "{{event_id}}"
      "true": true
      "yes": "no"
      number: -7
      text: "a: \"b\"\nc"
      word: word
    track:
      event: "SMS bounced"
      data:
        at: "{{occurred_at}}"
      without_cio_id: true
    unsubscribe: true
    any_recipient: true
  - name: b
    when: {object_type: email, metric: spammed}
    suppress: true
`
	r, err := effect.Parse("f", []byte(file))
	if err != nil {
		t.Fatal(err)
	}
	got, err := r.YAML()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(file, string(got)); diff != "" {
		t.Errorf("YAML (-want +got):\n%s", diff)
	}
	for _, r := range []*effect.Rules{builtinRules(t), rules(t, "[]")} {
		checkYAML(t, r)
	}
}

// checkYAML fails the test unless the written rules parse to equal rules.
func checkYAML(t *testing.T, r *effect.Rules) {
	t.Helper()
	first, err := r.YAML()
	if err != nil {
		t.Fatal(err)
	}
	again, err := effect.Parse("written", first)
	if err != nil {
		t.Fatalf("%v\n%s", err, first)
	}
	second, err := again.YAML()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(first), string(second)); diff != "" {
		t.Errorf("the rules written again (-first +second):\n%s", diff)
	}
}

func TestFileOfTheLargestSize(t *testing.T) {
	t.Parallel()
	const maxFile = 1 << 20
	var file strings.Builder
	file.WriteString("version: 1\nrules:\n")
	for i := 0; file.Len() < maxFile-100; i++ {
		fmt.Fprintf(&file, "- {name: r%d, when: {metric: sent, object_type: sms}, set: {a%d: 1}}\n", i, i)
	}
	start := time.Now()
	if _, err := effect.Parse("f", []byte(file.String())); err == nil {
		t.Error("a thousand rules set no more attributes than a person has")
	}
	t.Logf("took %v", time.Since(start))
	for _, deep := range []string{"[", "{a: ", "- ", "? ", "&a [", "[*a, "} {
		if _, err := effect.Parse("f", []byte(strings.Repeat(deep, maxFile/len(deep)))); err == nil {
			t.Errorf("%q repeated is not a mistake", deep)
		}
	}
	if _, err := effect.Parse("f", make([]byte, maxFile+1)); err == nil {
		t.Error("a larger file is read")
	}
}

func FuzzParse(f *testing.F) {
	f.Add(effect.BuiltinFile())
	f.Add([]byte("version: 1\nrules:\n- {name: a, when: {metric: sent}, track: {event: x, data: {a: '{{href}}'}}}\n"))
	f.Add([]byte("version: 1\nrules: [&a {name: *a}]\n"))
	f.Add([]byte("version: 1\nrules:\n- name: b\n  when: {metric: opened, machine: true}\n  set: {\"\\u2028 x\": \"\\x85\", y: 0}\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := effect.Parse("f", data)
		if err != nil {
			for line := range strings.SplitSeq(err.Error(), "\n") {
				if line == "" {
					t.Errorf("an empty line in %q", err)
				}
			}
			return
		}
		checkYAML(t, r)
		p := effect.Policy{Rules: r}
		for _, m := range append(p.SuppressionMetrics(), p.EngagementMetrics()...) {
			e := event(webhook.Email, m)
			p.Suppression(e, receivedAt)
			p.Engagement(e, receivedAt)
		}
	})
}
