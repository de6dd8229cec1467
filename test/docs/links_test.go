package docs_test

import (
	"cmp"
	"fmt"
	"io/fs"
	"os"
	"path"
	"regexp"
	"strings"
	"testing"
	"unicode"
)

// TestLinks follows every link from a document to a file of this repository, or to a
// heading in a file. It does not follow links to other hosts.
func TestLinks(t *testing.T) {
	t.Parallel()
	repository := os.DirFS(root)
	documents, err := readDocuments(repository)
	if err != nil {
		t.Fatal(err)
	}
	if len(documents) < 5 {
		t.Fatalf("%d documents: this is not the repository", len(documents))
	}
	for name, d := range documents {
		for _, link := range d.links {
			if err := follow(repository, documents, name, link); err != nil {
				t.Errorf("%s: link to %s: %v", name, link, err)
			}
		}
	}
}

// A document is a Markdown file.
type document struct {
	title   string          // the first heading
	anchors map[string]bool // of its headings
	links   []string
}

func readDocuments(repository fs.FS) (map[string]document, error) {
	documents := map[string]document{}
	err := fs.WalkDir(repository, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "node_modules" || name != "." && strings.HasPrefix(d.Name(), ".")):
			return fs.SkipDir
		case path.Ext(name) != ".md":
			return nil
		}
		text, err := fs.ReadFile(repository, name)
		if err == nil {
			documents[name] = parse(string(text))
		}
		return err
	})
	return documents, err
}

var (
	linkTarget = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	inlineCode = regexp.MustCompile("`[^`]*`")
)

func parse(text string) document {
	d := document{anchors: map[string]bool{}}
	fenced := false
	for line := range strings.Lines(text) {
		if strings.HasPrefix(strings.TrimSpace(line), "```") {
			fenced = !fenced
		}
		if fenced {
			continue
		}
		if title := strings.TrimLeft(line, "#"); title != line && strings.HasPrefix(title, " ") {
			d.title = cmp.Or(d.title, strings.TrimSpace(title))
			d.anchors[unused(d.anchors, anchor(title))] = true
		}
		for _, m := range linkTarget.FindAllStringSubmatch(inlineCode.ReplaceAllString(line, ""), -1) {
			d.links = append(d.links, m[1])
		}
	}
	return d
}

// anchor returns the anchor that GitHub gives to a heading.
func anchor(title string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
			return unicode.ToLower(r)
		}
		return -1
	}, strings.TrimSpace(title))
}

// unused numbers headings with the same text, as GitHub does.
func unused(anchors map[string]bool, name string) string {
	numbered := name
	for n := 1; anchors[numbered]; n++ {
		numbered = fmt.Sprintf("%s-%d", name, n)
	}
	return numbered
}

func follow(repository fs.FS, documents map[string]document, from, link string) error {
	if strings.Contains(link, "://") || strings.HasPrefix(link, "mailto:") {
		return nil
	}
	file, heading, hasHeading := strings.Cut(link, "#")
	target := from
	if file != "" {
		target = path.Join(path.Dir(from), file)
	}
	if _, err := fs.Stat(repository, target); err != nil {
		return err
	}
	if hasHeading && !documents[target].anchors[heading] {
		return fmt.Errorf("%s has no heading #%s", target, heading)
	}
	return nil
}

func TestABrokenLinkIsFound(t *testing.T) {
	t.Parallel()
	text := "# It's a `B_c`, (1)\n\n## Two\n## Two\n[x](y.md#z) and `[no](link)`\n```\n[no](link) # no heading\n```\n"
	d := parse(text)
	for _, want := range []string{"its-a-b_c-1", "two", "two-1"} {
		if !d.anchors[want] {
			t.Errorf("no anchor %s in %v", want, d.anchors)
		}
	}
	if len(d.links) != 1 || d.links[0] != "y.md#z" || len(d.anchors) != 3 {
		t.Errorf("links %q, anchors %v", d.links, d.anchors)
	}
	repository, documents := os.DirFS(root), map[string]document{"README.md": d}
	for link, good := range map[string]bool{
		"#two": true, "README.md#two-1": true, "docs": true, "https://example.com/#x": true,
		"#three": false, "nothing.md": false, "docs/configuration.md#x": false,
	} {
		if err := follow(repository, documents, "README.md", link); (err == nil) != good {
			t.Errorf("%s: %v", link, err)
		}
	}
}
