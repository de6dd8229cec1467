package main

import (
	"io/fs"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

var (
	// fencedShell matches a block of commands in a document, and codeSpan a piece of code in
	// a sentence or a table.
	fencedShell = regexp.MustCompile("(?ms)^ *```sh[^\n]*\n(.*?)^ *```$") //nolint:gocritic // ^ is the start of a line
	fenced      = regexp.MustCompile("(?ms)^ *```.*?^ *```$")             //nolint:gocritic // ^ is the start of a line
	codeSpan    = regexp.MustCompile("`([^`\n]+)`")
	// ofCioctl matches a command of cioctl up to a pipe, a redirection or the end of the
	// line. The documents define ctl as cioctl in a container, and beside as cioctl in a pod.
	ofCioctl = regexp.MustCompile(`\b(run )?(?:(?:cio)?ctl|beside [a-z]+)((?: +[^\s|<>;&#()]+)+)`)
	folded   = regexp.MustCompile(`\\\n\s*`)
)

// TestDocumentedCommands checks that each command of cioctl in the documents exists, with
// its flags, whether or not a test can run the command.
func TestDocumentedCommands(t *testing.T) {
	t.Parallel()
	repository := os.DirFS("../..")
	documents, err := fs.Glob(repository, "docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	root, count := commandTree(), 0
	for _, name := range append(documents, "README.md", "SECURITY.md", "CONTRIBUTING.md") {
		text, err := fs.ReadFile(repository, name)
		if err != nil {
			t.Fatal(err)
		}
		for _, command := range documented(string(text)) {
			count++
			if problem := unknownWord(root, command); problem != "" {
				t.Errorf("%s: cioctl%s: %s", name, command, problem)
			}
		}
	}
	if count < 200 {
		t.Errorf("%d commands: the documents have more", count)
	}
}

func commandTree() *cobra.Command { return (&cli{getenv: func(string) string { return "" }}).root() }

// documented returns the words behind "cioctl" in the commands of a document.
func documented(text string) (commands []string) {
	var code []string
	for _, m := range fencedShell.FindAllStringSubmatch(text, -1) {
		code = append(code, m[1])
	}
	for _, m := range codeSpan.FindAllStringSubmatch(fenced.ReplaceAllString(text, ""), -1) {
		code = append(code, m[1])
	}
	for _, m := range ofCioctl.FindAllStringSubmatch(folded.ReplaceAllString(strings.Join(code, "\n"), " "), -1) {
		if m[1] == "" && m[2] != ` "$@"` { // "kubectl run cioctl" names a pod, and ctl takes any words
			commands = append(commands, m[2])
		}
	}
	return commands
}

// unknownWord returns what is wrong with a command, "" if it exists with its flags.
func unknownWord(root *cobra.Command, command string) string {
	args := strings.Fields(command)
	found, rest, err := root.Find(args)
	if err != nil {
		return err.Error()
	}
	if found.HasSubCommands() && len(rest) > 0 && !strings.HasPrefix(rest[0], "-") {
		return "has no command " + rest[0]
	}
	for _, word := range rest {
		name, isFlag := strings.CutPrefix(word, "--")
		name, _, _ = strings.Cut(name, "=")
		if isFlag && !hasFlag(found, name) {
			return "has no flag --" + name
		}
	}
	return ""
}

func hasFlag(c *cobra.Command, name string) bool {
	c.InitDefaultHelpFlag()
	return c.Flags().Lookup(name) != nil || c.InheritedFlags().Lookup(name) != nil
}

func TestUnknownWord(t *testing.T) {
	t.Parallel()
	const text = "`cioctl statsu` `cioctl dead lists`\n```sh cloud\nkubectl exec x -- /cioctl audit \\\n  --hour=3\nkubectl run cioctl --rm\nbeside x alerts --none\nctl status --help | x --y\n```\n```\ncioctl none\n```\n"
	var problems []string
	root := commandTree()
	for _, command := range documented(text) {
		problems = append(problems, unknownWord(root, command))
	}
	got := strings.Join(problems, "; ")
	if !strings.Contains(got, "statsu") || !strings.Contains(got, "has no command lists") || !strings.Contains(got, "has no flag --hour") || !strings.Contains(got, "has no flag --none") || len(problems) != 5 {
		t.Errorf("%d commands: %q", len(problems), got)
	}
}
