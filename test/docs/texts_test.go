package docs_test

import (
	"fmt"
	"go/ast"
	"go/token"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// A text is a part of a sentence in a document. The part between its braces is a
// part of a string in the code of a package, such as a log line to look for.
type text struct{ sentence, pkg string }

// texts lists the log lines, log fields and answers that documents quote. Add a line
// here when a document quotes another text.
var texts = map[string][]text{
	"docs/operations.md": {
		{`"error":"{Missing signature}"`, "internal/ingest"},
		{"--tail=50 | grep {signature}`", "internal/ingest"},
		{"If it says \"{signed by}\"", "cmd/cioctl"},
		{"--tail=20 | grep '{batch failed}'`", "internal/worker"},
		{"says `{warehouse not open}`", "internal/app/workerapp"},
		{"say `{fills another store}`", "internal/app/workerapp"},
		{"logs `{warehouse lost}`", "internal/app/workerapp"},
		{"logs `{missing stream of dead letters recreated}`", "internal/stream"},
		{"`grep '{not recreated}'`", "internal/stream"},
		{"the log of the worker: `{missing stream of events recreated}`", "internal/stream"},
		{"`cioctl status` says `{is paused until}`", "internal/stream"},
		{"If it answers `{not changed}`", "cmd/cioctl"},
		{"`cioctl status` says `{no dead letters}`", "cmd/cioctl"},
		{"The log says `{check for a proxy or a captive portal}`", "internal/customerio"},
		{"The log of the worker: `{retrying a message}`", "internal/worker"},
	},
	"docs/production.md": {
		{`"error":"{Missing signature}"`, "internal/ingest"},
		{"| the log | `{effect not performed: EFFECTS_DRY_RUN}`", "internal/worker"},
		{"grep {suppression_mode} ", "internal/app/workerapp"},
	},
}

// TestTexts checks that the code still has the texts that documents quote.
func TestTexts(t *testing.T) {
	t.Parallel()
	c := newConstants()
	for document, list := range texts {
		content := words(read(t, document))
		for _, q := range list {
			if err := q.check(c, content); err != nil {
				t.Errorf("%s, quoted in %s by test/docs/texts_test.go: %v", q.pkg, document, err)
			}
		}
	}
}

// renamedLine matches a row of the changelog with the old and the new words of a log line.
var renamedLine = regexp.MustCompile("(?m)^\\| (?:both|ingest|worker) \\| `([^`]+)` \\| `([^`]+)` \\|$")

// TestRenamedLines checks that the programs log the new words of the changelog, and not
// the old ones.
func TestRenamedLines(t *testing.T) {
	t.Parallel()
	c := newConstants()
	var packages []*source
	for _, name := range []string{"ingest", "worker", "stream", "customerio", "telemetry"} {
		pkg, err := c.load(module + "/internal/" + name)
		if err != nil {
			t.Fatal(err)
		}
		packages = append(packages, pkg)
	}
	says := func(text string) bool {
		return slices.ContainsFunc(packages, func(p *source) bool { return p.says(text) })
	}
	rows := renamedLine.FindAllStringSubmatch(read(t, "CHANGELOG.md"), -1)
	if len(rows) < 20 {
		t.Errorf("%d rows of renamed lines, want 20 or more", len(rows))
	}
	for _, row := range rows {
		if !says(row[2]) || says(row[1]) {
			t.Errorf("%q -> %q in CHANGELOG.md: the code says the old words: %t, the new words: %t", row[1], row[2], says(row[1]), says(row[2]))
		}
	}
}

func (q text) check(c *constants, content string) error {
	quoted := braces.FindStringSubmatch(q.sentence)
	if quoted == nil {
		return fmt.Errorf("no text in braces in %q", q.sentence)
	}
	pkg, err := c.load(module + "/" + q.pkg)
	if err != nil {
		return err
	}
	if !pkg.says(quoted[1]) {
		return fmt.Errorf("no string contains %q: correct %q in the document and here", quoted[1], q.sentence)
	}
	if sentence := braces.ReplaceAllString(q.sentence, "$1"); !strings.Contains(content, words(sentence)) {
		return fmt.Errorf("the document does not contain %q: correct the sentence here if the document has another", sentence)
	}
	return nil
}

// says reports whether a string literal of the package contains the text.
func (s *source) says(text string) bool {
	found := false
	for _, f := range s.files {
		ast.Inspect(f, func(n ast.Node) bool {
			if literal, ok := n.(*ast.BasicLit); ok && literal.Kind == token.STRING {
				value, err := strconv.Unquote(literal.Value)
				found = found || err == nil && strings.Contains(value, text)
			}
			return !found
		})
	}
	return found
}

func TestAWrongTextIsFound(t *testing.T) {
	t.Parallel()
	c := newConstants()
	const content = `The answer is {"dataset":"messaging"}.`
	for q, want := range map[text]string{
		{`"dataset":"{messaging}"`, "constants"}: "",
		{`"dataset":"{messages}"`, "constants"}:  `no string contains "messages"`,
		{`"table":"{messaging}"`, "constants"}:   "the document does not contain",
		{`is messaging`, "constants"}:            "no text in braces",
		{`the {messaging}`, "nothing"}:           "has no files",
	} {
		q.pkg = "test/docs/testdata/" + q.pkg
		err := q.check(c, content)
		if want == "" && err != nil || want != "" && !strings.Contains(fmt.Sprint(err), want) {
			t.Errorf("%q of %s: got %v, want %q", q.sentence, q.pkg, err, want)
		}
	}
}
