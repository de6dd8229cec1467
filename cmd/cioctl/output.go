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
	raw    bool
	// rawTo is the writer of the command, or nil for a command without --raw: its table has
	// no texts of strangers.
	rawTo io.Writer
}

// Declare adds the flags to the set.
func (o *output) Declare(s *config.Set) {
	s.Flags().StringVar(&o.format, "output", "table", "table for people or json for programs")
	s.Check(func() error { return config.OneOf("--output", o.format, "table", "json") })
	if o.rawTo != nil {
		o.declareRaw(s)
	}
}

func (o *output) declareRaw(s *config.Set) {
	s.Flags().BoolVar(&o.raw, "raw", false, "print texts whole and byte for byte, with a tab between two cells; only to a file or a pipe")
	s.Check(o.checkRaw)
}

func (o *output) checkRaw() error {
	switch {
	case o.raw && o.format != "table":
		return fmt.Errorf("--raw and --output %s exclude each other", o.format)
	case o.raw && terminal.Is(o.rawTo):
		return errors.New("--raw: texts of strangers may control your terminal: redirect standard output to a file or a pipe")
	default:
		return nil
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
		raw := rawTable{bufio.NewWriter(w)}
		table(raw)
		return raw.Flush()
	}
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	table(tw)
	return tw.Flush()
}

// line prints one line at once, for a command without an end. Texts are cleaned and cut
// like the cells of row.
func (o *output) line(w io.Writer, format string, args ...any) error {
	for i, arg := range args {
		if text, ok := arg.(string); ok && !o.raw {
			args[i] = terminal.Cell(text, cellWidth)
		}
	}
	_, err := fmt.Fprintf(w, format+"\n", args...)
	return err
}

// object prints v as JSON in one line. Nobody puts the line into a page: "<p>" stays legible.
func (o *output) object(w io.Writer, v any) error {
	e := json.NewEncoder(terminal.JSON(w))
	e.SetEscapeHTML(false)
	return e.Encode(v)
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

// tellf prints a sentence on standard error, beside the data of a command.
func (c *cli) tellf(format string, args ...any) {
	_, _ = fmt.Fprintln(c.err, terminal.Line(fmt.Sprintf(format, args...)))
}

// sayf writes a sentence as one line of a table.
func sayf(w io.Writer, format string, args ...any) { row(w, whole(fmt.Sprintf(format, args...))) }

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
