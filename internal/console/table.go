package console

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/cioevents/cioevents/internal/report"
	"github.com/cioevents/cioevents/internal/warehouse"
)

// A table is shown as HTML and as CSV. A cell is a string, an int64, a rate (*float64),
// seconds, a warehouse.Status or a link.
type table struct {
	// Name is the name of the file.
	Name, Title string
	// About says what the numbers are.
	About   string
	Columns []column
	Rows    [][]any
}

// A column has a name for programs and a title for people.
type column struct {
	Name, Title string
	Number      bool
}

func text(name, title string) column   { return column{name, title, false} }
func number(name, title string) column { return column{name, title, true} }

// A link is a text that leads to a page of the console.
type link struct{ Text, To string }

type seconds float64

// Top returns the rows that a page shows.
func (t *table) Top() [][]any { return t.Rows[:min(len(t.Rows), report.Rows)] }

// cellText returns a cell for people, a dash for an empty one.
func cellText(cell any) string {
	switch v := cell.(type) {
	case int64:
		return count(v)
	case *float64:
		return report.Percent(v)
	case seconds:
		return report.Duration(float64(v))
	case link:
		return v.Text
	case string:
		if v != "" {
			return v
		}
	case warehouse.Status:
		if v == warehouse.StatusFew {
			return "too few"
		}
		return string(v)
	}
	return "–"
}

// cellLink returns the address of a link, "" for another cell.
func cellLink(cell any) string {
	l, _ := cell.(link)
	return l.To
}

// statusTag returns the class of a status, "" for another cell.
func statusTag(cell any) string {
	switch cell {
	case warehouse.StatusOK:
		return "good"
	case warehouse.StatusWarn:
		return "warn"
	case warehouse.StatusBad:
		return "bad"
	case warehouse.StatusFew:
		return "few"
	default:
		return ""
	}
}

// writeCSV writes all rows. Rates are fractions and times seconds. An absent number is
// empty.
func (t *table) writeCSV(w io.Writer) error {
	out := csv.NewWriter(w)
	line := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		line[i] = c.Name
	}
	_ = out.Write(line) // Flush keeps the error
	for _, row := range t.Rows {
		for i, cell := range row {
			line[i] = cellCSV(cell)
		}
		_ = out.Write(line)
	}
	out.Flush()
	if err := out.Error(); err != nil {
		return fmt.Errorf("write CSV: %w", err)
	}
	return nil
}

func cellCSV(cell any) string {
	switch v := cell.(type) {
	case int64:
		return strconv.FormatInt(v, 10)
	case *float64:
		if v == nil {
			return ""
		}
		return strconv.FormatFloat(*v, 'f', -1, 64)
	case seconds:
		return strconv.FormatFloat(float64(v), 'f', -1, 64)
	case link:
		return harmlessText(v.Text)
	case string:
		return harmlessText(v)
	case warehouse.Status:
		return string(v)
	default:
		return ""
	}
}

// harmlessText keeps a spreadsheet from running a text as a formula: the texts of events
// come from strangers (https://owasp.org/www-community/attacks/CSV_Injection).
func harmlessText(text string) string {
	if text != "" && strings.ContainsRune("=+-@\t\r\n", rune(text[0])) {
		return "'" + text
	}
	return text
}
