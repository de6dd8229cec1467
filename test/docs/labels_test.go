package docs_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestLabelValuesAreExplained compares the tables of docs/operations.md with the
// label values in docs/instruments.md, which are generated from the programs.
func TestLabelValuesAreExplained(t *testing.T) {
	t.Parallel()
	instruments, operations := read(t, "docs/instruments.md"), read(t, "docs/operations.md")
	for _, tt := range []struct{ heading, instrument, label string }{
		{"### Outcomes of ingest", "cioevents_ingest_answers_total", "outcome"},
		{"### Reasons of dead letters", "cioevents_worker_dead_letters_total", "reason"},
		{"### Outcomes of e-mails", "cioevents_mail_total", "outcome"},
		{"### Outcomes of Track API calls", "cioevents_track_calls_total", "outcome"},
	} {
		want, got := labelValues(instruments, tt.instrument, tt.label), explained(operations, tt.heading)
		if diff := cmp.Diff(want, got); diff != "" || len(want) == 0 {
			t.Errorf("%q of docs/operations.md against label %s of %s in docs/instruments.md (-want +got):\n%s",
				tt.heading, tt.label, tt.instrument, diff)
		}
	}
}

// codeSpan is a name in backticks.
var codeSpan = regexp.MustCompile("`([^`]+)`")

func names(text string) []string {
	var list []string
	for _, m := range codeSpan.FindAllStringSubmatch(text, -1) {
		list = append(list, m[1])
	}
	slices.Sort(list)
	return list
}

// labelValues returns the values of an instrument's label, sorted.
func labelValues(instruments, instrument, label string) []string {
	_, row, _ := strings.Cut(instruments, "| `"+instrument+"` |")
	row, _, _ = strings.Cut(row, "\n")
	_, values, _ := strings.Cut(row, "`"+label+"`: ")
	return names(values[:max(strings.IndexAny(values, ";|"), 0)])
}

// explained returns the names in the first column of a section's table, sorted.
func explained(operations, heading string) []string {
	_, section, _ := strings.Cut(operations, heading+"\n")
	section, _, _ = strings.Cut(section, "\n#")
	var list []string
	for line := range strings.Lines(section) {
		if cells := strings.Split(line, "|"); len(cells) > 2 {
			list = append(list, names(cells[1])...)
		}
	}
	slices.Sort(list)
	return list
}
