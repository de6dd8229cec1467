package sqlcheck_test

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/bigquery"
	"github.com/cioevents/cioevents/test/sqlcheck"
)

var update = flag.Bool("update", false, "write the tables of costs into docs/operations.md")

const (
	tibDollars   = 6.25     // on demand, in US and EU, September 2026
	leastBytes   = 10 << 20 // billed for each table in a query
	queries      = 30 * 24  // a month of 30 days, hourly
	keptDays     = bigquery.ViewDays
	functionDays = 30 // the days that a table function is asked for, up to today
	rollupDays   = 3  // the default of --days
)

// TestCosts compares the tables of costs in docs/operations.md with the columns that each
// view reads.
func TestCosts(t *testing.T) {
	t.Parallel()
	const document = "../../docs/operations.md"
	text, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile(`(?s)(<!-- generated: costs -->\n).*?(<!-- end -->)`)
	if !block.Match(text) {
		t.Fatalf("%s has no marks for the tables of costs", document)
	}
	want := block.ReplaceAllString(string(text), "${1}"+costs(t)+"$2")
	if *update {
		if err := os.WriteFile(document, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	} else if want != string(text) {
		t.Errorf("the tables of costs in %s are outdated: run \"go test . -run TestCosts -update\" in test/sqlcheck. They should be\n%s", document, block.FindString(want))
	}
}

func costs(t *testing.T) string {
	t.Helper()
	size, q, a := sizes(t), texts(), prepared(t)
	total := 0.0
	for _, bytes := range size {
		total += bytes
	}
	var b strings.Builder
	fmt.Fprintf(&b, "An event has %.0f bytes, %.0f of them in `payload`, which none of these views reads. Each view of the last %d days, queried hourly:\n\n", total, size["payload"], keptDays)
	for i, suffix := range []string{"", warehouse.Between} {
		if i > 0 {
			fmt.Fprintf(&b, "\nEach table function of the last %d days, queried hourly:\n\n", functionDays)
		}
		b.WriteString(head)
		for _, v := range warehouse.Views() {
			reads, err := a.Reads(q.inline(v + suffix))
			if err != nil {
				t.Fatalf("%s: %v", v+suffix, err)
			}
			b.WriteString(line(v+suffix, reads, size, i*functionDays))
		}
	}
	fmt.Fprintf(&b, "\nThe hourly rollup of the last %d days. After it, a query of its table costs 0.04 dollars a month while the table has 10 MB or less, and a query of some days reads these days only:\n\n%s", rollupDays, head)
	b.WriteString(line(warehouse.Rollup, rollupReads(t, a), size, rollupDays))
	return b.String()
}

const head = "| dollars a month | bytes an event | days | 1 M events a month | 10 M | 100 M | 1 B |\n| --- | --- | --- | --- | --- | --- | --- |\n"

// line returns the line of a view in the table. A table function is asked for some days, and
// a view for all.
func line(name string, reads []sqlcheck.Read, size map[string]float64, asked int) string {
	var bytes, perDay float64
	var days []string
	others := map[string]bool{}
	for _, r := range reads {
		if r.Table != raw {
			others[r.Table] = true // the table of names, which is small
			continue
		}
		d, n := within(r, int64(asked)), 0.0
		for _, c := range r.Columns {
			n += size[c]
		}
		bytes, perDay = bytes+n, perDay+n*float64(d)
		days = append(days, strconv.FormatInt(d, 10))
	}
	l := fmt.Sprintf("| `%s` | %.0f | %s |", name, bytes, strings.Join(slices.Compact(days), ", "))
	for _, month := range []float64{1e6, 1e7, 1e8, 1e9} {
		read := max(perDay*month/30, leastBytes) + leastBytes*float64(len(others))
		l += " " + dollars(read*queries/(1<<40)*tibDollars) + " |"
	}
	return l + "\n"
}

// within returns the number of kept days that a scan reads: all without a bound.
func within(r sqlcheck.Read, asked int64) int64 {
	if r.Before < 0 {
		return keptDays
	}
	return min(asked+r.Before, keptDays)
}

func dollars(d float64) string {
	if d < 10 {
		return fmt.Sprintf("%.2f", d)
	}
	s := fmt.Sprintf("%.0f", d)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
