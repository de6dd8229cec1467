package warehouse

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Literal returns an expression whose value is the text. The text may come from an event or
// from a user, and may have any bytes. A text that is not UTF-8 becomes NULL, which equals
// nothing: warehouses refuse such a text in a statement and in a row.
func (d Dialect) Literal(text string) string {
	isText := utf8.ValidString(text)
	switch {
	case d == GoogleSQL && isText:
		return googleLiteral(text)
	case d == GoogleSQL:
		return "CAST(NULL AS STRING)"
	case isText:
		return duckLiteral(text)
	default:
		return "NULL::VARCHAR"
	}
}

// duckLiteral writes NUL as chr(0): DuckDB's parser ends a statement at NUL, and reads no
// escapes between quotes.
func duckLiteral(text string) string {
	quoted := "'" + strings.ReplaceAll(text, "'", "''") + "'"
	if strings.IndexByte(text, 0) < 0 {
		return quoted
	}
	return "(" + strings.ReplaceAll(quoted, "\x00", "' || chr(0) || '") + ")"
}

// googleLiteral writes control characters as escapes: a line break ends a literal
// (https://cloud.google.com/bigquery/docs/reference/standard-sql/lexical#escape_sequences).
func googleLiteral(text string) string {
	var b strings.Builder
	for _, r := range text {
		switch {
		case r == '\'' || r == '\\':
			b.WriteString(`\` + string(r))
		case r < ' ' || r == 0x7f:
			fmt.Fprintf(&b, `\x%02x`, r)
		default:
			b.WriteRune(r)
		}
	}
	return "'" + b.String() + "'"
}

// WithoutStatement returns the error of a query without the piece of the statement that
// DuckDB's errors have. The statement of a search for a person has identifiers, which stay
// out of logs and pages.
func WithoutStatement(err error) error {
	if err == nil {
		return nil
	}
	text, _, found := strings.Cut(err.Error(), "\n\nLINE ")
	if !found {
		return err
	}
	return &briefError{text, err}
}

// A briefError has the text of an error without the piece of a statement.
type briefError struct {
	text string
	err  error
}

func (e *briefError) Error() string { return e.text }
func (e *briefError) Unwrap() error { return e.err }
