package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/cioevents/cioevents/internal/config"
)

// output is the setting of the commands that print data.
type output struct{ format string }

// Declare adds the setting to the set.
func (o *output) Declare(s *config.Set) {
	s.Choice(&o.format, "OUTPUT", "table", "table for people or json for programs", "table", "json")
}

// print writes v as indented JSON, or calls table with a writer that aligns the cells
// of a row.
func (o *output) print(w io.Writer, v any, table func(io.Writer)) error {
	if o.format == "json" {
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		return enc.Encode(v)
	}
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	table(tw)
	return tw.Flush()
}

// row writes one line of a table.
func row(w io.Writer, cells ...any) {
	texts := make([]string, len(cells))
	for i, cell := range cells {
		texts[i] = text(cell)
	}
	_, _ = fmt.Fprintln(w, strings.Join(texts, "\t")) // into a buffer
}

func text(cell any) string {
	switch v := cell.(type) {
	case nil:
		return "-"
	case time.Time:
		if v.IsZero() {
			return "-"
		}
		return v.UTC().Format(time.DateTime)
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
	case string:
		return strings.NewReplacer("\n", " ", "\t", " ").Replace(v)
	default:
		return fmt.Sprint(v)
	}
}
