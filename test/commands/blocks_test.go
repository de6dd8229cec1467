package commands_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// A block is a fenced block of shell commands in a document. The words behind "sh" in
// its first line say how the block is tested:
//
//	sh           TestCommands runs the block beside cioctl dev
//	sh exit=N    the same, and the block ends with exit code N
//	sh clone     starts in a clone of the repository: TestCommandBlocks checks the targets of make
//	sh cloud     needs a cluster, a cloud, a real account, Docker, or a program of the reader
//
// cmd/cioctl checks the commands and flags of cioctl in every block.
type block struct {
	document string
	line     int    // of the opening fence
	kind     string // what stands behind "sh"
	commands string
}

var (
	fence      = regexp.MustCompile("(?ms)^( *)```([^\n]*)\n(.*?)^ *```$") //nolint:gocritic // ^ is the start of a line
	program    = regexp.MustCompile(`(?m)^(?:[A-Z_]+=\S+ )*(?:cioctl|ingest|worker|make|go|git|kubectl|docker|nats|curl|openssl) `)
	makeTarget = regexp.MustCompile(`\bmake ([a-z/-]+)`)
	linkToPage = regexp.MustCompile(`\]\(([\w/]+\.md)[#)]`)
)

const root = "../.." // of the module

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// readBlocks returns the blocks of the path through the documents, in the order in which
// the README lists the documents.
func readBlocks(t *testing.T) []block {
	t.Helper()
	readme := read(t, "README.md")
	blocks := blocksOf(t, "README.md", readme)
	var seen []string
	_, pages, _ := strings.Cut(readme, "\n## Where to read\n")
	for _, m := range linkToPage.FindAllStringSubmatch(pages, -1) {
		if name := m[1]; !slices.Contains(seen, name) {
			seen = append(seen, name)
			blocks = append(blocks, blocksOf(t, name, read(t, name))...)
		}
	}
	all, err := fs.Glob(os.DirFS(root), "docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, page := range all {
		if !slices.Contains(seen, page) {
			t.Errorf("README.md has no link to %s", page)
		}
	}
	return blocks
}

// blocksOf returns the shell blocks of a document. Commands in a block of another kind
// are an error.
func blocksOf(t *testing.T, document, text string) (blocks []block) {
	t.Helper()
	for _, at := range fence.FindAllStringSubmatchIndex(text, -1) {
		group := func(n int) string { return text[at[2*n]:at[2*n+1]] }
		b := block{document: document, line: 1 + strings.Count(text[:at[0]], "\n")}
		b.commands = strings.ReplaceAll("\n"+group(3), "\n"+group(1), "\n")[1:]
		shell, kind, _ := strings.Cut(group(2), " ")
		b.kind = kind
		switch {
		case shell == "sh":
			blocks = append(blocks, b)
		case shell == "" && program.MatchString(b.commands):
			t.Errorf("%s:%d: write ```sh above commands", document, b.line)
		}
	}
	return blocks
}

// exit returns the exit code of a block, and false for a block that no test runs.
func (b block) exit() (code int, runs bool) {
	if b.kind == "" {
		return 0, true
	}
	number, ok := strings.CutPrefix(b.kind, "exit=")
	code, err := strconv.Atoi(number)
	return code, ok && err == nil
}

func TestCommandBlocks(t *testing.T) {
	t.Parallel()
	targets := read(t, "Makefile")
	count := map[string]int{}
	for _, b := range readBlocks(t) {
		_, runs := b.exit()
		if !runs && b.kind != "cloud" && b.kind != "clone" {
			t.Errorf("%s:%d: unknown kind of block %q", b.document, b.line, b.kind)
		}
		count[b.kind]++
		for _, m := range makeTarget.FindAllStringSubmatch(b.commands, -1) {
			if !strings.Contains(targets, "\n"+m[1]+":") {
				t.Errorf("%s:%d: the Makefile has no target %s", b.document, b.line, m[1])
			}
		}
	}
	if count[""] < 10 || count["cloud"] < 20 || count["clone"] < 1 {
		t.Errorf("%d blocks to run, %d for a cloud, %d in a clone: the documents have more", count[""], count["cloud"], count["clone"])
	}
}

func TestBlocksOf(t *testing.T) {
	t.Parallel()
	const text = "a\n```sh\ncioctl a\n```\n\n1. b\n\n   ```sh exit=3\n   cioctl b \\\n     --c\n   ```\n```yaml\nx: y\n```\n```\nSTREAM  1\n```\n```sh cloud\nkubectl c\n```\n"
	want := []block{{"D", 2, "", "cioctl a\n"}, {"D", 8, "exit=3", "cioctl b \\\n  --c\n"}, {"D", 18, "cloud", "kubectl c\n"}}
	got := blocksOf(t, "D", text)
	if !slices.Equal(got, want) {
		t.Fatalf("got %v, want %v", got, want)
	}
	for i, want := range []int{0, 3, -1} {
		if code, runs := got[i].exit(); runs != (want >= 0) || runs && code != want {
			t.Errorf("%q: exit code %d, runs %t", got[i].kind, code, runs)
		}
	}
}
