package main

import (
	"context"
	"os"
	"regexp"
	"strconv"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"github.com/cioevents/cioevents/internal/config"
)

// man writes the manual pages of a release. The command is hidden: an archive of a
// release has the pages already.
func (c *cli) man() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "man FOLDER",
		Short: "Write a manual page for each command",
		Long: `man writes a manual page for each command into a folder, which it creates, and
replaces older pages there. The pages bear the date of SOURCE_DATE_EPOCH, in
seconds since 1970, else of today. An archive of a release has the pages
already. Without the right to write into the folder, man fails.`,
		Example: "  cioctl man ~/.local/share/man/man1",
		Args:    one("a folder"),
		Hidden:  true,
	}
	return c.command(cmd, func(_ context.Context, args []string) error {
		return c.writeManual(cmd.Root(), args[0])
	})
}

func (c *cli) writeManual(root *cobra.Command, dir string) error {
	date, err := c.buildDate()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // manual pages are for everybody
		return err
	}
	prepare(root)
	return doc.GenManTree(root, &doc.GenManHeader{Section: "1", Source: "cioevents", Manual: "cioevents", Date: &date}, dir)
}

// prepare makes the texts of a command and of its subcommands fit for Cobra's generator,
// which reads Markdown: indented lines are shown as they are. No page has the line
// with the date of the build.
func prepare(cmd *cobra.Command) {
	cmd.DisableAutoGenTag = true
	cmd.Long = indented.ReplaceAllString(cmd.Long, "    $0")
	for _, sub := range cmd.Commands() {
		prepare(sub)
	}
}

var indented = regexp.MustCompile(`(?m)^ +\S`)

// buildDate is the time by which programs of a reproducible build know "now".
// Source: https://reproducible-builds.org/specs/source-date-epoch/
func (c *cli) buildDate() (time.Time, error) {
	const name = "SOURCE_DATE_EPOCH"
	text := c.getenv(name)
	if text == "" {
		return time.Now().UTC(), nil
	}
	seconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return time.Time{}, config.Invalid(name, text, "seconds since 1970")
	}
	return time.Unix(seconds, 0).UTC(), nil
}
