package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/cioevents/cioevents/internal/doctor"
	"github.com/cioevents/cioevents/internal/terminal"
)

// findings is what cioctl doctor found, as JSON.
type findings struct {
	Findings []doctor.Finding `json:"findings"`
	OK       int              `json:"ok"`
	Warnings int              `json:"warnings"`
	Failures int              `json:"failures"`
	Skipped  int              `json:"skipped"`
}

func (f *findings) add(found doctor.Finding) {
	f.Findings = append(f.Findings, found)
	switch found.State {
	case doctor.OK:
		f.OK++
	case doctor.Warn:
		f.Warnings++
	case doctor.Fail:
		f.Failures++
	case doctor.Skip:
		f.Skipped++
	}
}

// sum returns the closing line.
func (f *findings) sum() string {
	text := fmt.Sprintf("%d ok, %s, %s", f.OK, count(f.Warnings, "warning"), count(f.Failures, "failure"))
	if f.Skipped > 0 {
		text += fmt.Sprintf(", %d skipped", f.Skipped)
	}
	return text
}

// showFindings runs the checks. A table shows each finding at once, so its columns have
// their widths in advance.
func (c *cli) showFindings(ctx context.Context, checks []doctor.Check, out *output) (*findings, error) {
	found := &findings{Findings: []doctor.Finding{}}
	if out.format == "json" {
		doctor.Run(ctx, checks, uninterrupted(ctx, found.add))
		return found, out.print(c.out, found, nil)
	}
	table := c.findingTable(checks)
	table.line("GROUP", "CHECK", "STATE", "", "DETAIL")
	doctor.Run(ctx, checks, uninterrupted(ctx, func(f doctor.Finding) {
		found.add(f)
		table.show(f)
	}))
	_, err := fmt.Fprintf(c.out, "\n%s\n", found.sum())
	return found, err
}

// uninterrupted drops the findings after Ctrl-C: each check then fails, whatever it looks at.
func uninterrupted(ctx context.Context, show func(doctor.Finding)) func(doctor.Finding) {
	return func(f doctor.Finding) {
		if ctx.Err() == nil {
			show(f)
		}
	}
}

// A findingTable prints findings in columns.
type findingTable struct {
	c            *cli
	group, check int // widths
	colour       bool
}

func (c *cli) findingTable(checks []doctor.Check) *findingTable {
	t := &findingTable{c: c, group: len("GROUP"), check: len("CHECK"), colour: terminal.Is(c.out) && c.getenv("NO_COLOR") == ""}
	for _, check := range checks {
		t.group, t.check = max(t.group, len(check.Group)), max(t.check, len(check.Name))
	}
	return t
}

// colours are those of a state on a terminal: green, yellow, red and grey.
var colours = map[doctor.State]string{doctor.OK: "32", doctor.Warn: "33", doctor.Fail: "31", doctor.Skip: "90"}

func (t *findingTable) show(f doctor.Finding) {
	colour := ""
	if t.colour {
		colour = colours[f.State]
	}
	t.line(f.Group, f.Check, string(f.State), colour, f.Detail)
	if f.Remedy != "" {
		_, _ = fmt.Fprintf(t.c.out, "%s→ %s\n", strings.Repeat(" ", t.group+2), terminal.Cell(f.Remedy, wholeWidth)) // the closing line reports a failed write
	}
}

func (t *findingTable) line(group, check, state, colour, detail string) {
	state = fmt.Sprintf("%-5s", state)
	if colour != "" {
		state = "\x1b[" + colour + "m" + state + "\x1b[0m"
	}
	_, _ = fmt.Fprintf(t.c.out, "%-*s  %-*s  %s  %s\n", t.group, group, t.check, check, state, terminal.Cell(detail, wholeWidth))
}
