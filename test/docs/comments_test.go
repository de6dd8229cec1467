package docs_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestCommentLinks follows every document, ADR and file of this repository that
// a Go comment names, in all modules of the repository.
func TestCommentLinks(t *testing.T) {
	t.Parallel()
	repository := os.DirFS(root)
	documents, err := readDocuments(repository)
	if err != nil {
		t.Fatal(err)
	}
	comments := 0
	err = fs.WalkDir(repository, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "testdata" || d.Name() == "node_modules" || name != "." && strings.HasPrefix(d.Name(), ".")):
			return fs.SkipDir
		case path.Ext(name) != ".go":
			return nil
		}
		fset := token.NewFileSet()
		file, err := parser.ParseFile(fset, name, read(t, name), parser.ParseComments)
		if err != nil {
			return err
		}
		comments += len(file.Comments)
		for _, group := range file.Comments {
			for _, err := range dead(repository, documents, path.Dir(name), group) {
				t.Errorf("%s: %v", fset.Position(group.Pos()), err)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if comments < 1000 {
		t.Errorf("%d comments: this is not the repository", comments)
	}
}

var (
	address = regexp.MustCompile(`[a-z]+://\S+`)
	// DocumentName matches a Markdown file and an optional heading.
	documentName = regexp.MustCompile(`[\w./-]+\.md(?:#[\w-]+)?`)
	// ADR matches an ADR's number or page.
	adr = regexp.MustCompile(`\bADR (\d+)|\bdocs/adr/(\d+)-`)
	// PathName matches a path from the root of the repository. An identifier may follow
	// a package: internal/stream.Publisher.
	pathName = regexp.MustCompile(`(?m)(?:^|[\s("'` + "`" + `])(?:\./)?((?:cmd|internal|pkg|test|docs|deploy)/[\w./-]*\w)`)
	// GoFile matches a Go file without a folder.
	goFile = regexp.MustCompile(`(?:^|[\s("'` + "`" + `])([a-z][a-z0-9_]*\.go)\b`)
)

// dead returns an error for each document, ADR or file that a comment names and that does
// not exist. It does not follow links to other hosts.
func dead(repository fs.FS, documents map[string]document, dir string, group *ast.CommentGroup) []error {
	text := address.ReplaceAllString(group.Text(), "")
	var errs []error
	missing := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	for _, link := range documentName.FindAllString(text, -1) {
		if err := follow(repository, documents, "README.md", link); err != nil {
			missing("comment names the document %s: %w", link, err)
		}
	}
	for _, m := range adr.FindAllStringSubmatch(text, -1) {
		number, _ := strconv.Atoi(m[1] + m[2]) // digits, so few that they fit
		pages, _ := fs.Glob(repository, fmt.Sprintf("docs/adr/%04d-*.md", number))
		switch {
		case len(pages) != 1:
			missing("comment names ADR %d: docs/adr has %d pages of this number", number, len(pages))
		case !says(text, documents[pages[0]].title):
			missing("comment names ADR %d without its title %q: repeat the title, if this is the right ADR", number, documents[pages[0]].title)
		}
	}
	for _, m := range pathName.FindAllStringSubmatch(text, -1) {
		if !exists(repository, m[1]) && path.Ext(m[1]) != ".md" {
			missing("comment names %s, which does not exist", m[1])
		}
	}
	for _, m := range goFile.FindAllStringSubmatch(text, -1) {
		if m[1] != "nats.go" && !exists(repository, path.Join(dir, m[1])) { // nats.go is a library
			missing("comment names %s, which does not exist in %s", m[1], dir)
		}
	}
	return errs
}

// says reports whether a comment contains the title of an ADR, after its number.
func says(comment, title string) bool {
	_, title, _ = strings.Cut(title, ". ")
	return title != "" && strings.Contains(words(strings.ToLower(comment)), strings.ToLower(title))
}

// TestPathsInDocuments follows the files and packages of this repository that a
// document names in backticks. CHANGELOG.md also names former ones.
func TestPathsInDocuments(t *testing.T) {
	t.Parallel()
	repository := os.DirFS(root)
	documents, err := readDocuments(repository)
	if err != nil {
		t.Fatal(err)
	}
	delete(documents, "CHANGELOG.md")
	for name := range documents {
		for _, span := range codeSpan.FindAllString(read(t, name), -1) {
			for _, m := range pathName.FindAllStringSubmatch(span, -1) {
				if !exists(repository, m[1]) && !noPath.MatchString(m[1]) {
					t.Errorf("%s names %s, which does not exist", name, m[1])
				}
			}
		}
	}
}

// noPath matches names that look like paths: the overlay that readers of
// docs/production.md create, a target of the Makefile, and a placeholder.
var noPath = regexp.MustCompile(`^deploy/k8s/overlays/acme\b|^test/race$|\bNAME$`)

// exists reports whether a file or a package exists. A package may have an identifier
// after its last dot.
func exists(repository fs.FS, name string) bool {
	if _, err := fs.Stat(repository, name); err == nil {
		return true
	}
	dir, identifier, ok := strings.Cut(path.Base(name), ".")
	if !ok || identifier == "go" {
		return false
	}
	info, err := fs.Stat(repository, path.Join(path.Dir(name), dir))
	return err == nil && info.IsDir()
}

func TestADeadCommentIsFound(t *testing.T) {
	t.Parallel()
	repository := os.DirFS(root)
	documents, err := readDocuments(repository)
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"see docs/operations.md":                                        "",
		"see docs/operations.md#key-rotation.":                          "",
		"see docs/operations.md#nothing":                                "#nothing",
		"see docs/nothing.md.":                                          "docs/nothing.md",
		"see README.md and NOTHING.md":                                  "NOTHING.md",
		"see https://example.com/docs/nothing.md":                       "",
		"ADR 1: wiring has its\nown packages.":                          "",
		"docs/adr/0001-wiring-packages.md: Wiring has its own packages": "",
		"ADR 1 says why":                                                "ADR 1 without its title",
		"docs/adr/0001-wiring-packages.md says why":                     "ADR 1 without its title",
		"ADR 99 says why":                                               "ADR 99",
		"`go run ./test/bench`, (internal/event), deploy/.":             "",
		"internal/stream.Publisher, internal/stream/publish.go":         "",
		"like internal/nothing, and":                                    "internal/nothing",
		"like internal/nothing.Publisher":                               "internal/nothing.Publisher",
		"like internal/stream/nothing.go":                               "internal/stream/nothing.go",
		"comments_test.go, nats.go":                                     "",
		"nothing.go":                                                    "nothing.go",
		"https://github.com/a/b/blob/main/internal/nothing/nothing.go":  "",
	} {
		group := &ast.CommentGroup{List: []*ast.Comment{{Text: "/* " + text + " */"}}}
		errs := dead(repository, documents, "test/docs", group)
		got := fmt.Sprint(errs)
		if want == "" && len(errs) > 0 || want != "" && (len(errs) != 1 || !strings.Contains(got, want)) {
			t.Errorf("%q: got %s, want %q", text, got, want)
		}
	}
}
