package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/cioevents/cioevents/internal/config"
	"github.com/cioevents/cioevents/internal/terminal"
)

// output has the flags of the commands that print data.
type output struct {
	format string
	// offersRaw adds --raw, for a table with texts of strangers.
	offersRaw, raw bool
}

// Declare adds the flags to the set.
func (o *output) Declare(s *config.Set) {
	s.Flags().StringVar(&o.format, "output", "table", "table for people or json for programs")
	s.Check(func() error { return config.OneOf("--output", o.format, "table", "json") })
	if o.offersRaw {
		s.Flags().BoolVar(&o.raw, "raw", false, "print texts whole and byte for byte, with a tab between two cells; only to a file or a pipe")
		s.Check(func() error {
			if o.raw && o.format == "json" {
				return errors.New("--raw and --output json exclude each other")
			}
			return nil
		})
	}
}

// print writes v as indented JSON, or calls table with a writer that aligns the cells
// of a row.
func (o *output) print(w io.Writer, v any, table func(io.Writer)) error {
	if o.format == "json" {
		enc := json.NewEncoder(terminal.JSON(w))
		enc.SetIndent("", "  ")
		return enc.Encode(v)
	}
	if o.raw {
		if err := refuseTerminal(w); err != nil {
			return err
		}
		raw := rawTable{bufio.NewWriter(w)}
		table(raw)
		return raw.Flush()
	}
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	table(tw)
	return tw.Flush()
}

// refuseTerminal returns an error when --raw would print to a terminal.
func refuseTerminal(w io.Writer) error {
	if terminal.Is(w) {
		return &config.UsageError{Err: errors.New("--raw: texts of strangers may control a terminal: redirect standard output to a file or a pipe")}
	}
	return nil
}

// A rawTable makes row write cells unchanged.
type rawTable struct{ *bufio.Writer }

// Lengths of cells in characters.
const (
	cellWidth  = 120
	wholeWidth = 4000
)

// whole is a cell that row cuts at wholeWidth: the one long text of a command.
type whole string

// row writes one line of a table. Control characters are replaced, and long texts are cut
// at cellWidth.
func row(w io.Writer, cells ...any) {
	_, raw := w.(rawTable)
	texts := make([]string, len(cells))
	for i, cell := range cells {
		texts[i] = text(cell)
		switch _, long := cell.(whole); {
		case raw:
		case long:
			texts[i] = terminal.Cell(texts[i], wholeWidth)
		default:
			texts[i] = terminal.Cell(texts[i], cellWidth)
		}
	}
	_, _ = fmt.Fprintln(w, strings.Join(texts, "\t")) // into a buffer
}

// say writes a sentence as one line of a table.
func say(w io.Writer, format string, args ...any) { row(w, whole(fmt.Sprintf(format, args...))) }

func text(cell any) string {
	switch v := cell.(type) {
	case nil:
		return "-"
	case time.Time:
		if v.IsZero() {
			return "-"
		}
		return v.UTC().Format(time.RFC3339) // as --since reads a time
	case float64:
		if math.Abs(v) < 1 {
			return fmt.Sprintf("%.4g", v)
		}
		return strconv.FormatFloat(math.Round(v*1000)/1000, 'f', -1, 64)
	case map[string]any, []any: // from a JSON column
		b, err := json.Marshal(v)
		if err != nil {
			return fmt.Sprint(v)
		}
		return string(b)
	default:
		return fmt.Sprint(v)
	}
}
