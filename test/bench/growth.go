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
number of rows. The payloads of the copies are empty: nothing here reads a payload,
and 50 million would take 15 GB. Without flags the measurement takes 20 minutes, and
25 GB below TMPDIR.

Flags:
`

// A spent is what a process took.
type spent struct {
	wall, cpu time.Duration
	rss       float64 // MiB, at its peak
}

// benchGrowth measures the table first, then the stream.
func benchGrowth(ctx context.Context, dir string, args []string) error {
	flags := flag.NewFlagSet("growth", flag.ContinueOnError)
	flags.Usage = func() { fmt.Fprint(flags.Output(), growthUsage); flags.PrintDefaults() }
	rows := flags.String("rows", "0,5,20,50", "millions of rows of the table, from small to large")
	messages := flags.String("messages", "0,5,20", "millions of messages of the stream, from small to large")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return nil
	} else if err != nil {
		return err
	}
	sizes, err1 := millions(*rows)
	stored, err2 := millions(*messages)
	if err := errors.Join(err1, err2); err != nil {
		return err
	}
	return errors.Join(growTable(ctx, dir, sizes), growStream(ctx, dir, stored))
}

func millions(list string) (sizes []int, err error) {
	for text := range strings.SplitSeq(list, ",") {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 {
			return nil, fmt.Errorf("size %q: want millions, such as 5", text)
		}
		sizes = append(sizes, n)
	}
	return sizes, nil
}

// growTable measures writes, the report and the queries of the console at each size.
func growTable(ctx context.Context, dir string, sizes []int) error {
	if err := lab.Build(ctx, dir, "cioctl"); err != nil {
		return err
	}
	path := filepath.Join(dir, "growth.duckdb")
	defer os.Remove(path)
	fmt.Println("\nDuckDB, rows/s and processor time a row of batches of 5,000; the late rows are up to 60 days old")
	fmt.Println("| million rows | file | new | 0.1 % late | 1 % late | peak memory | report of 30 days | report of all days | overview | person by e-mail |")
	fmt.Println("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |")
	for _, n := range sizes {
		row, err := measureTable(ctx, dir, path, n)
		if err != nil {
			return fmt.Errorf("measure %d million rows: %w", n, err)
		}
		fmt.Println(row)
	}
	return nil
}

// measureTable returns a line of growTable's table.
func measureTable(ctx context.Context, dir, path string, n int) (line string, err error) {
	progressf("growing to %d million rows", n)
	if _, err := runGrowth(ctx, nil, "grow", path, strconv.Itoa(n)); err != nil {
		return "", err
	}
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	cells := []string{strconv.Itoa(n), fmt.Sprintf("%.1f GB", float64(info.Size())/1e9)}
	peak := 0.0
	for _, share := range []string{"0", "0.001", "0.01"} {
		progressf("writing to %d million rows, %s of them late", n, share)
		var w written
		used, err := runGrowth(ctx, &w, "write", path, share)
		if err != nil {
			return "", err
		}
		peak = max(peak, used.rss)
		cells = append(cells, fmt.Sprintf("%.0f/s, %.1f µs", w.PerSecond, w.Micros))
	}
	cells = append(cells, fmt.Sprintf("%.0f MiB", peak))
	for _, days := range []string{"30", "0"} {
		progressf("reporting on %d million rows, --days %s", n, days)
		used, err := runReport(ctx, dir, path, days)
		if err != nil {
			return "", err
		}
		cells = append(cells, fmt.Sprintf("%.1f s, %.0f MiB", used.wall.Seconds(), used.rss))
	}
	progressf("reading %d million rows", n)
	var r readFigures
	if _, err := runGrowth(ctx, &r, "read", path); err != nil {
		return "", err
	}
	progressf("")
	cells = append(cells, fmt.Sprintf("%.0f ms", r.Overview), fmt.Sprintf("%.0f ms", r.Person))
	return "| " + strings.Join(cells, " | ") + " |", nil
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
