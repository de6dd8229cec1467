package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"text/tabwriter"
	"time"

	"github.com/cioevents/cioevents/internal/audit"
	"github.com/cioevents/cioevents/internal/terminal"
)

// An auditPrinter prints each gap when it is found, because an outage has a million, and
// then the result.
type auditPrinter interface {
	gap(g audit.Gap) error
	result(r *audit.Result) error
}

func (c *cli) auditPrinter(format string) auditPrinter {
	switch format {
	case "csv":
		return &auditCSV{out: c.out}
	case "json":
		return &auditJSON{w: bufio.NewWriter(terminal.JSON(c.out))}
	default:
		return &auditTable{out: c.out}
	}
}

// auditTable keeps the first gaps.
type auditTable struct {
	out   io.Writer
	first []audit.Gap
	n     int
}

// shownGaps is the number of gaps in a table.
const shownGaps = 10

func (t *auditTable) gap(g audit.Gap) error {
	t.n++
	if t.n <= shownGaps {
		t.first = append(t.first, g)
	}
	return nil
}

func (t *auditTable) result(r *audit.Result) error {
	w := tabwriter.NewWriter(t.out, 0, 0, 2, ' ', 0)
	sayf(w, "workspace %s, from %s to %s", r.Workspace, r.Since.Format(time.RFC3339), r.Until.Format(time.RFC3339))
	if c := r.Customerio; c != nil {
		row(w)
		row(w, "SOURCE", "ACTION", "CONTENT", "TYPE", "METRIC", "CUSTOMER.IO", "HERE", "DIFFERENCE", "MISSING")
		for i := range c.Lines {
			l := &c.Lines[i]
			row(w, originOf(&l.Message), orDash(l.ActionID), orDash(l.ContentID), l.ObjectType, l.Metric, l.Customerio, l.Here, l.Here-l.Customerio, l.Missing)
		}
	}
	if s := r.Stream; s != nil {
		row(w)
		row(w, "STREAM", "EVENTS", "MISSING", "WAITING", "UNREADABLE")
		row(w, "", s.Events, s.Missing, s.Waiting, s.Unreadable)
	}
	t.gaps(w)
	row(w)
	for _, note := range r.Notes() {
		sayf(w, "%s", note)
	}
	return w.Flush()
}

func (t *auditTable) gaps(w io.Writer) {
	if t.n == 0 {
		return
	}
	row(w)
	row(w, "MISSING", "METRIC", "TIME", "SOURCE", "SEQUENCE")
	for i := range t.first {
		g := &t.first[i]
		row(w, g.DeliveryID, g.Metric, g.At, originOf(&g.Message), orDash(int64(g.Sequence))) //nolint:gosec // a sequence
	}
	if t.n > len(t.first) {
		sayf(w, "and %d more: --output csv has all", t.n-len(t.first))
	}
}

// originOf returns a text such as campaign:4.
func originOf(m *audit.Message) string {
	if m.SourceID == "" {
		return m.Source
	}
	return m.Source + ":" + m.SourceID
}

func orDash(n int64) any {
	if n == 0 {
		return nil
	}
	return n
}

// auditJSON prints an object with the gaps first.
type auditJSON struct {
	w *bufio.Writer
	n int
}

func (p *auditJSON) gap(g audit.Gap) error {
	text, err := json.Marshal(g)
	if err != nil {
		return err
	}
	begin := ",\n    "
	p.n++
	if p.n == 1 {
		begin = "{\n  \"gaps\": [\n    "
	}
	_, _ = p.w.WriteString(begin)
	_, err = p.w.Write(text)
	return err
}

func (p *auditJSON) result(r *audit.Result) error {
	if p.n == 0 {
		_, _ = p.w.WriteString("{\n  \"gaps\": [")
	}
	text, err := json.MarshalIndent(struct {
		*audit.Result
		Notes []string `json:"notes"`
	}{r, r.Notes()}, "", "  ")
	if err != nil {
		return err
	}
	_, _ = p.w.WriteString("\n  ],")
	_, _ = p.w.Write(bytes.TrimPrefix(text, []byte("{")))
	_, _ = p.w.WriteString("\n") // the error of an earlier write, too, is Flush's
	return p.w.Flush()
}

// auditCSV prints a line for each gap.
type auditCSV struct {
	w    *bufio.Writer
	rows printer // nil before the first line
	out  io.Writer
}

var gapColumns = []string{"delivery_id", "metric", "timestamp", "created", "object_type", "source", "source_id", "action_id", "content_id", "stream_sequence", "event_id"}

func (p *auditCSV) begin() error {
	if p.rows != nil {
		return nil
	}
	p.w = bufio.NewWriter(p.out)
	p.rows = (&output{format: "csv"}).printer(p.w, gapColumns, terminal.Is(p.out))
	return p.rows.begin()
}

func (p *auditCSV) gap(g audit.Gap) error {
	if err := p.begin(); err != nil {
		return err
	}
	return p.rows.row([]any{
		g.DeliveryID, string(g.Metric), filledTime(g.At), filledTime(g.Created), string(g.ObjectType), g.Source, g.SourceID,
		orDash(g.ActionID), orDash(g.ContentID), orDash(int64(g.Sequence)), g.EventID, //nolint:gosec // a sequence
	})
}

// filledTime returns a time as a cell, nil for the zero time.
func filledTime(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t
}

func (p *auditCSV) result(*audit.Result) error {
	return errors.Join(p.begin(), p.rows.end(), p.w.Flush())
}
