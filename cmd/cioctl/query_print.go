package main

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/cioevents/cioevents/internal/terminal"
	"github.com/cioevents/cioevents/internal/warehouse"
)

// formats are the formats of a printer.
var formats = []string{"table", "json", "jsonl", "csv"}

// A printer prints the rows of a query in one format, a row at a time.
type printer interface {
	begin() error
	row(cells []any) error
	end() error
}

// printer returns the printer of the format. Formats for programs have the texts whole; on
// a terminal, control characters are escaped or replaced nevertheless.
func (o *output) printer(w *bufio.Writer, columns []string, toTerminal bool) printer {
	switch {
	case o.format == "json", o.format == "jsonl":
		return &objects{w: terminal.JSON(w), keys: quoted(warehouse.Keys(columns)), lines: o.format == "jsonl"}
	case o.format == "csv":
		return &separated{w: csv.NewWriter(w), columns: columns, clean: toTerminal}
	case o.raw:
		return &unaligned{w: rawTable{w}, columns: columns}
	default:
		return &aligned{w: w, columns: columns}
	}
}

// objects prints each row as a JSON object, one a line or in an indented array.
type objects struct {
	w      io.Writer
	keys   [][]byte // with quotes
	lines  bool
	object bytes.Buffer
	n      int
}

func quoted(keys []string) [][]byte {
	list := make([][]byte, len(keys))
	for i, k := range keys {
		list[i], _ = json.Marshal(k) //nolint:errchkjson // never fails for a text
	}
	return list
}

func (p *objects) begin() error { return nil }

func (p *objects) row(cells []any) error {
	p.object.Reset()
	for i, cell := range cells {
		value, err := json.Marshal(cell)
		if err != nil {
			return fmt.Errorf("print column %s: %w", p.keys[i], err)
		}
		p.object.WriteByte("{,"[min(i, 1)])
		p.object.Write(p.keys[i])
		p.object.WriteByte(':')
		p.object.Write(value)
	}
	p.object.WriteByte('}')
	p.n++
	if p.lines {
		p.object.WriteByte('\n')
		_, err := p.w.Write(p.object.Bytes())
		return err
	}
	return p.element()
}

// element writes the object as an element of the array.
func (p *objects) element() error {
	var text bytes.Buffer
	text.WriteByte("[,"[min(p.n-1, 1)])
	text.WriteString("\n  ")
	if err := json.Indent(&text, p.object.Bytes(), "  ", "  "); err != nil {
		return err
	}
	_, err := p.w.Write(text.Bytes())
	return err
}

func (p *objects) end() (err error) {
	switch {
	case p.lines:
	case p.n == 0:
		_, err = io.WriteString(p.w, "[]\n")
	default:
		_, err = io.WriteString(p.w, "\n]\n")
	}
	return err
}

// separated prints CSV with a header. NULL is an empty field, a time is RFC 3339.
type separated struct {
	w       *csv.Writer
	columns []string
	clean   bool // replace control characters
}

func (p *separated) begin() error { return p.w.Write(p.columns) }

func (p *separated) row(cells []any) error {
	fields := make([]string, len(cells))
	for i, cell := range cells {
		switch v := cell.(type) {
		case nil:
		case string:
			fields[i] = v
		case json.RawMessage:
			fields[i] = string(v)
		case time.Time:
			fields[i] = v.Format(time.RFC3339Nano)
		default:
			text, err := json.Marshal(v)
			if err != nil {
				return fmt.Errorf("print column %s: %w", p.columns[i], err)
			}
			fields[i] = string(text)
		}
		if p.clean {
			fields[i] = terminal.Line(fields[i])
		}
	}
	return p.w.Write(fields)
}

func (p *separated) end() error {
	p.w.Flush()
	return p.w.Error()
}

// unaligned prints the table of --raw.
type unaligned struct {
	w       rawTable
	columns []string
}

func (p *unaligned) begin() error {
	row(p.w, anySlice(p.columns)...)
	return nil
}

func (p *unaligned) row(cells []any) error {
	row(p.w, texts(cells)...)
	return nil
}

func (p *unaligned) end() error { return nil }

// texts replaces JSON by its text, which row prints.
func texts(cells []any) []any {
	for i, cell := range cells {
		if text, ok := cell.(json.RawMessage); ok {
			cells[i] = string(text)
		}
	}
	return cells
}

// pageRows is the number of rows after which aligned prints a page.
const pageRows = 500

// aligned prints a table page by page. A column is as wide as its widest cell so far, so
// that a page is never narrower than the page before.
type aligned struct {
	w       *bufio.Writer
	columns []string
	page    bytes.Buffer // lines of row
	rows    int          // in page
	widths  []int
}

func (p *aligned) begin() error {
	p.widths = make([]int, len(p.columns))
	row(&p.page, anySlice(p.columns)...)
	return nil
}

func (p *aligned) row(cells []any) error {
	row(&p.page, texts(cells)...)
	p.rows++
	if p.rows < pageRows {
		return nil
	}
	return p.end()
}

// end prints the rows of the page.
func (p *aligned) end() error {
	var lines [][]string
	for line := range strings.Lines(p.page.String()) {
		cells := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		for i, cell := range cells[:len(cells)-1] {
			p.widths[i] = max(p.widths[i], utf8.RuneCountInString(cell))
		}
		lines = append(lines, cells)
	}
	p.page.Reset()
	p.rows = 0
	for _, cells := range lines {
		if err := p.line(cells); err != nil {
			return err
		}
	}
	return p.w.Flush()
}

func (p *aligned) line(cells []string) error {
	last := len(cells) - 1
	for i, cell := range cells[:last] {
		if _, err := p.w.WriteString(cell + strings.Repeat(" ", p.widths[i]-utf8.RuneCountInString(cell)+2)); err != nil {
			return err
		}
	}
	_, err := p.w.WriteString(cells[last] + "\n")
	return err
}

func anySlice(names []string) []any {
	cells := make([]any, len(names))
	for i, n := range names {
		cells[i] = n
	}
	return cells
}
