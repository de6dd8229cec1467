package main

import (
	"io"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/cioevents/cioevents/internal/fault"
)

// Every command teaches: what it does and what may go wrong (Long), an example, and the
// exit codes.
func TestHelpTeaches(t *testing.T) {
	t.Parallel()
	c := &cli{getenv: func(string) string { return "" }, out: io.Discard, err: io.Discard}
	seen := 0
	var visit func(cmd *cobra.Command)
	visit = func(cmd *cobra.Command) {
		for _, sub := range cmd.Commands() {
			visit(sub)
		}
		seen++
		path := cmd.CommandPath()
		for line := range strings.SplitSeq(cmd.Long, "\n") {
			if len([]rune(line)) > 88 {
				t.Errorf("%s: a long line: %s", path, line)
			}
		}
		if cmd.HasSubCommands() {
			if !strings.Contains(cmd.Long, "\n  "+path+" ") {
				t.Errorf("%s shows no first command:\n%s", path, cmd.Long)
			}
			return
		}
		if len(strings.Fields(cmd.Long)) < 35 || !strings.Contains(cmd.Example, path) || !strings.Contains(cmd.Long, "exit code") {
			t.Errorf("%s does not say what it does and what may go wrong, an example, and the exit codes:\n%s\n%s", path, cmd.Long, cmd.Example)
		}
	}
	root := c.root()
	root.RemoveCommand(c.help())
	visit(root)
	for _, reason := range fault.Reasons() {
		if !strings.Contains(c.dead().Long, string(reason)) {
			t.Errorf("the help of dead does not explain %s", reason)
		}
	}
	if seen < 25 {
		t.Errorf("only %d commands", seen)
	}
}
