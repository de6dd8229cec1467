package main

import (
	"fmt"
	"strconv"
	"strings"
)

// printTables prints the figures of the tables as Markdown for docs/operations.md.
func printTables(grown []grownTable) {
	progressf("")
	if len(grown) == 0 {
		return
	}
	fmt.Print(`
DuckDB, batches of 5,000 rows, the late rows up to 60 days old. "First" lasts until the sink has read all ids.

| million rows | file | late | first | longest batch | then | longest batch | memory |
| --- | --- | --- | --- | --- | --- | --- | --- |
`)
	for _, t := range grown {
		for i := range t.writes {
			fmt.Println(t.writeLine(i))
		}
	}
	for _, t := range grown {
		fmt.Print(t.bars())
	}
	fmt.Print(`
| million rows | report of 30 days | of all days | overview | person by e-mail |
| --- | --- | --- | --- | --- |
`)
	for _, t := range grown {
		fmt.Println(t.readLine())
	}
	plot("Thousand rows a second by millions of rows: new (bars), 0.1 % late, 1 % late (lines)", grown,
		func(t grownTable) float64 { return t.writes[0].Then.perSecond() / 1000 },
		func(t grownTable) float64 { return t.writes[1].Then.perSecond() / 1000 },
		func(t grownTable) float64 { return t.writes[2].Then.perSecond() / 1000 })
	plot("Seconds of cioctl report --days 0, by millions of rows", grown,
		func(t grownTable) float64 { return t.reports[1].wall.Seconds() })
}

func (t *grownTable) writeLine(i int) string {
	w := t.writes[i]
	return fmt.Sprintf("| %d | %.1f GB | %.1f %% | %.0f/s, %.0f µs | %.1f s | %.0f/s, %.0f µs | %.1f s | %.0f MiB |",
		t.millions, float64(t.bytes)/1e9, 100*lateShares[i], w.First.perSecond(), w.First.micros(), w.First.Longest.Seconds(),
		w.Then.perSecond(), w.Then.micros(), w.Then.Longest.Seconds(), t.written[i].rss)
}

// The table of barMillions million rows has bars: the least rows a second after the first
// batches, for each share of late rows. 0 is no bar.
const barMillions = 20

var growthBars = [len(lateShares)]float64{0, 50_000, 30_000}

// bars says whether the writes reach their bars, "" for a table without bars. The rates
// depend on the machine, and fail nothing.
func (t *grownTable) bars() string {
	if t.millions != barMillions {
		return ""
	}
	var lines strings.Builder
	for i, bar := range growthBars {
		if bar == 0 {
			continue
		}
		got := t.writes[i].Then.perSecond()
		fmt.Fprintf(&lines, "\nBar at %d million rows, %.1f %% late: then %.0f/s, want at least %.0f: %s\n", t.millions, 100*lateShares[i], got, bar, outcome(got >= bar))
	}
	return lines.String()
}

func (t *grownTable) readLine() string {
	report := func(s spent) string { return fmt.Sprintf("%.1f s, %.0f MiB", s.wall.Seconds(), s.rss) }
	return fmt.Sprintf("| %d | %s | %s | %.0f ms | %.0f ms |", t.millions, report(t.reports[0]), report(t.reports[1]), t.reads.Overview, t.reads.Person)
}

// plot prints a diagram with bars of the first figure and lines of the others.
func plot(title string, grown []grownTable, figures ...func(grownTable) float64) {
	axis := make([]string, 0, len(grown))
	for _, t := range grown {
		axis = append(axis, strconv.Itoa(t.millions))
	}
	fmt.Printf("\n```mermaid\nxychart-beta\n    title %q\n    x-axis [%s]\n", title, strings.Join(axis, ", "))
	for i, figure := range figures {
		values := make([]string, 0, len(grown))
		for _, t := range grown {
			values = append(values, fmt.Sprintf("%.1f", figure(t)))
		}
		kind := "line"
		if i == 0 {
			kind = "bar"
		}
		fmt.Printf("    %s [%s]\n", kind, strings.Join(values, ", "))
	}
	fmt.Print("```\n")
}
