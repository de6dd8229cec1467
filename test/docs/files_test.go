package docs_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// loadBalancers shows the files of a folder, each between two marks. "make lb" runs the
// files.
const (
	loadBalancers       = "docs/loadbalancers.md"
	loadBalancersFolder = "deploy/loadbalancers"
)

var shownFile = regexp.MustCompile("(?s)<!-- file: (\\S+) -->\n.*?<!-- end -->")

// TestFiles compares the configurations in the document with the files.
func TestFiles(t *testing.T) {
	t.Parallel()
	text := read(t, loadBalancers)
	want := showFiles(text, func(name string) string { return read(t, name) })
	if *update {
		if err := os.WriteFile(filepath.Join(root, loadBalancers), []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, text); diff != "" {
		t.Errorf("run \"make docs\": %s (-want +got):\n%s", loadBalancers, diff)
	}
	entries, err := os.ReadDir(filepath.Join(root, loadBalancersFolder))
	if err != nil || len(entries) == 0 {
		t.Fatalf("%s has %d files: %v", loadBalancersFolder, len(entries), err)
	}
	for _, e := range entries {
		if mark := "<!-- file: " + loadBalancersFolder + "/" + e.Name() + " -->"; strings.Count(text, mark) != 1 {
			t.Errorf("%s does not contain %q once", loadBalancers, mark)
		}
	}
}

// showFiles fills the marks of a document with the named files.
func showFiles(text string, file func(name string) string) string {
	return shownFile.ReplaceAllStringFunc(text, func(old string) string {
		name := shownFile.FindStringSubmatch(old)[1]
		content := strings.ReplaceAll(file(name), "\r\n", "\n")
		return "<!-- file: " + name + " -->\n```\n" + content + "```\n<!-- end -->"
	})
}

func TestShowFiles(t *testing.T) {
	t.Parallel()
	const text = "a\n<!-- file: x -->\nold\n<!-- end -->\nb\n<!-- file: y -->\n<!-- end -->\n"
	got := showFiles(text, func(name string) string { return "new " + name + "\r\n" })
	want := "a\n<!-- file: x -->\n```\nnew x\n```\n<!-- end -->\nb\n<!-- file: y -->\n```\nnew y\n```\n<!-- end -->\n"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
