package arch_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// contributing is the document that shows the floors, between two marks.
const (
	contributing = "CONTRIBUTING.md"
	tableStart   = "<!-- generated: floors -->\n"
	tableEnd     = "<!-- end -->"
)

var update = flag.Bool("update", false, "write the table of packages into "+contributing)

// TestTable compares the table of packages in CONTRIBUTING.md with floors and owners.
func TestTable(t *testing.T) {
	t.Parallel()
	file := filepath.Join("..", "..", contributing)
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, started := strings.Cut(string(text), tableStart)
	_, after, ended := strings.Cut(rest, tableEnd)
	if !started || !ended {
		t.Fatalf("%s has no place for the table of packages: want %q and %q", contributing, tableStart, tableEnd)
	}
	want := before + tableStart + table() + tableEnd + after
	if *update {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, string(text)); diff != "" {
		t.Errorf("run \"make docs\": %s (-want +got):\n%s", contributing, diff)
	}
}

// table renders floors and owners, one package a line.
func table() string {
	var b strings.Builder
	b.WriteString("| floor | package | what belongs in it | owns |\n| --- | --- | --- | --- |\n")
	for _, f := range floors {
		name := "**" + f.name + "**"
		for _, r := range f.rooms {
			fmt.Fprintf(&b, "| %s | `%s` | %s | %s |\n", name, r.pkg, r.purpose, strings.Join(owned(r.pkg), ", "))
			name = ""
		}
	}
	return b.String()
}

// owned returns the third-party modules of a package, sorted.
func owned(pkg string) []string {
	var modules []string
	for mod, owner := range owners {
		if owner == pkg {
			modules = append(modules, "`"+mod+"`")
		}
	}
	slices.Sort(modules)
	return modules
}

// TestEveryRoomHasAPurpose checks that every package has a purpose that fits into a cell
// of the table, and that every owner is a package.
func TestEveryRoomHasAPurpose(t *testing.T) {
	t.Parallel()
	for _, f := range floors {
		for _, r := range f.rooms {
			if r.purpose == "" || strings.ContainsAny(r.purpose, "|\n") {
				t.Errorf("purpose of %s: %q: want one line without \"|\"", r.pkg, r.purpose)
			}
		}
	}
	for mod, owner := range owners {
		if !slices.ContainsFunc(floors, func(f floor) bool {
			return slices.ContainsFunc(f.rooms, func(r room) bool { return r.pkg == owner })
		}) {
			t.Errorf("owners gives %s to %s, which is on no floor", mod, owner)
		}
	}
}
