package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/cioevents/cioevents/test/lab"
)

const growthUsage = `growth measures how speed and memory change while the table and the stream grow.

Usage:
  go run ./test/bench growth [flags]

A simulated week of a company is copied, week after week, until the table has each
number of rows. One row in 1,000 is up to 60 days late. The payloads of the copies are
empty: nothing here reads a payload, and 50 million would take 15 GB. The tables and
plots for docs/operations.md come at the end, also after an error or Ctrl-C. Without
flags the measurement takes half an hour, and 25 GB below TMPDIR.

Flags:
`

// A spent is what a process took.
type spent struct {
	wall, cpu time.Duration
	rss       float64 // MiB, at its peak
}

func prepareGrowth(flags *flag.FlagSet) func([]string) (measure, error) {
	rows := flags.String("rows", "0,5,20,50", "millions of rows of the table, from small to large, or none")
	messages := flags.String("messages", "0,5,20", "millions of messages of the stream, from small to large, or none")
	return func(args []string) (measure, error) {
		sizes, err1 := millions("rows", *rows)
		stored, err2 := millions("messages", *messages)
		return func(ctx context.Context, dir string, observe during) error {
			return benchGrowth(ctx, dir, observe, sizes, stored)
		}, errors.Join(noArguments(args), err1, err2)
	}
}

// benchGrowth measures the table first, then the stream.
func benchGrowth(ctx context.Context, dir string, observe during, rows, messages []int) (err error) {
	if len(rows) > 0 {
		err = growTable(ctx, dir, observe, rows)
	}
	if len(messages) > 0 {
		err = errors.Join(err, growStream(ctx, dir, observe, messages))
	}
	return err
}

// millions parses the sizes of a flag. An empty table or stream has the size 0, and none is
// no size.
func millions(name, list string) (sizes []int, err error) {
	if list == "none" {
		return nil, nil
	}
	for text := range strings.SplitSeq(list, ",") {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 {
			return nil, fmt.Errorf("--%s %q: want millions, such as 5, or none", name, list)
		}
		sizes = append(sizes, n)
	}
	if !slices.IsSorted(sizes) || len(slices.Compact(slices.Clone(sizes))) < len(sizes) {
		return nil, fmt.Errorf("--%s %q: want different sizes from small to large", name, list)
	}
	return sizes, nil
}

// growTable measures writes, the report and the queries of the console at each size, and
// prints what it has measured, also after an error.
func growTable(ctx context.Context, dir string, observe during, sizes []int) (flaws error) {
	if err := lab.Build(ctx, dir, "cioctl"); err != nil {
		return err
	}
	path := filepath.Join(dir, "growth.duckdb")
	defer os.Remove(path)
	var grown []grownTable
	defer func() { printTables(grown) }()
	for _, n := range sizes {
		t := grownTable{millions: n}
		if err := t.grow(ctx, path); err != nil {
			return fmt.Errorf("grow to %d million rows: %w", n, err)
		}
		err := observe.noted(ctx, fmt.Sprintf("%d million rows", n), condition.flaw, func(ctx context.Context) error {
			return t.measure(ctx, dir, path)
		})
		if err != nil && !onlyNotJudged(err) {
			return errors.Join(flaws, fmt.Errorf("measure %d million rows: %w", n, err))
		}
		flaws = errors.Join(flaws, err)
		grown = append(grown, t)
		if n > 0 {
			continue
		}
		if err := os.Remove(path); err != nil { // the next file begins with the simulated week
			return errors.Join(flaws, err)
		}
	}
	return flaws
}

// A grownTable is a table of one size and its figures.
type grownTable struct {
	millions int
	bytes    int64 // before the writes
	writes   [len(lateShares)]written
	written  [len(lateShares)]spent
	reports  [len(reportDays)]spent
	reads    readFigures
}

// lateShares are the shares of late rows in the writes, reportDays the days of the reports.
var (
	lateShares = [...]float64{0, 0.001, 0.01}
	reportDays = [...]string{"30", "0"}
)

// grow adds rows to the file until the table has its size.
func (t *grownTable) grow(ctx context.Context, path string) error {
	progressf("growing to %d million rows", t.millions)
	if _, err := runGrowth(ctx, nil, "grow", path, strconv.Itoa(t.millions)); err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	t.bytes = info.Size()
	return nil
}

func (t *grownTable) measure(ctx context.Context, dir, path string) (err error) {
	for i, share := range lateShares {
		progressf("writing to %d million rows, %.1f %% of them late", t.millions, 100*share)
		if t.written[i], err = runGrowth(ctx, &t.writes[i], "write", path, fmt.Sprint(share)); err != nil {
			return err
		}
	}
	for i, days := range reportDays {
		progressf("reporting on %d million rows, --days %s", t.millions, days)
		if t.reports[i], err = runReport(ctx, dir, path, days); err != nil {
			return err
		}
	}
	progressf("reading %d million rows", t.millions)
	_, err = runGrowth(ctx, &t.reads, "read", path)
	return err
}

// runGrowth runs a step of growth in a process of its own and decodes what it prints.
func runGrowth(ctx context.Context, result any, args ...string) (spent, error) {
	return runSelf(ctx, result, append([]string{growthRole}, args...)...)
}

// runSelf runs this program in a role to its end and decodes what it prints.
func runSelf(ctx context.Context, result any, args ...string) (spent, error) {
	self, err := os.Executable()
	if err != nil {
		return spent{}, err
	}
	return spend(exec.CommandContext(ctx, self, args...), result)
}

func runReport(ctx context.Context, dir, path, days string) (spent, error) {
	return spend(exec.CommandContext(ctx, filepath.Join(dir, "cioctl"), "report", "--warehouse-url", "duckdb:"+path, "--days", days, "--timeout", "10m", "--output", "json"), nil) //nolint:gosec // The program that lab.Build has made.
}

// spend runs a command and decodes its output, unless result is nil.
func spend(cmd *exec.Cmd, result any) (spent, error) {
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	start := time.Now()
	if err := cmd.Run(); err != nil {
		return spent{}, fmt.Errorf("%s: %w\n%s", strings.Join(cmd.Args[1:], " "), err, stderr.Bytes())
	}
	s := spent{wall: time.Since(start), cpu: cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()}
	if u, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		s.rss = float64(u.Maxrss) / 1024
	}
	if result == nil {
		return s, nil
	}
	return s, json.Unmarshal(stdout.Bytes(), result)
}
