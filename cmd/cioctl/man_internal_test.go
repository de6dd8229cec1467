package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Each command that help shows has a page, with the date of the release and with tables
// as they are in the help.
func TestManual(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "man")
	getenv := func(name string) string {
		return map[string]string{"SOURCE_DATE_EPOCH": "1767225600"}[name] // 2026-01-01
	}
	if err := run(t.Context(), []string{"man", dir}, getenv, strings.NewReader(""), io.Discard, io.Discard); err != nil {
		t.Fatal(err)
	}
	page := func(command string) string {
		text, err := os.ReadFile(filepath.Join(dir, command+".1"))
		if err != nil {
			t.Error(err)
		}
		return string(text)
	}
	for _, cmd := range (&cli{getenv: getenv}).root().Commands() {
		if name := "cioctl-" + cmd.Name(); !cmd.Hidden && !strings.Contains(page(name), "Jan 2026") {
			t.Errorf("the page of %s is not of January 2026", name)
		}
	}
	if want := "\n  --campaign N        the events of N simulated messages\n"; !strings.Contains(page("cioctl-send"), want) {
		t.Errorf("the page of send lacks the line %q of the help", want)
	}
}
