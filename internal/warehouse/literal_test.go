package warehouse_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/cioevents/cioevents/internal/warehouse"
)

func TestLiteral(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ text, duck, google string }{
		{"", "''", "''"},
		{"ann", "'ann'", "'ann'"},
		{`o'c\x`, `'o''c\x'`, `'o\'c\\x'`},
		{"a\nb\x7f", "'a\nb\x7f'", `'a\x0ab\x7f'`},
		{"\x00", "('' || chr(0) || '')", `'\x00'`},
		{"n\x001'", "('n' || chr(0) || '1''')", `'n\x001\''`},
		{"ü\u2028", "'ü\u2028'", "'ü\u2028'"},
		{"a\xff", "NULL::VARCHAR", "CAST(NULL AS STRING)"},
	} {
		if got := warehouse.DuckDBSQL.Literal(tt.text); got != tt.duck {
			t.Errorf("DuckDB: %q becomes %s, want %s", tt.text, got, tt.duck)
		}
		if got := warehouse.GoogleSQL.Literal(tt.text); got != tt.google {
			t.Errorf("BigQuery: %q becomes %s, want %s", tt.text, got, tt.google)
		}
	}
}

func TestWithoutStatement(t *testing.T) {
	t.Parallel()
	cause := &warehouse.MissingNameError{Err: errors.New("Binder Error: no column x\n\nLINE 1: SELECT x FROM t WHERE id = 'ann'\n ^")}
	got := warehouse.WithoutStatement(fmt.Errorf("query: %w", cause))
	if _, missing := errors.AsType[*warehouse.MissingNameError](got); !missing || got.Error() != "query: Binder Error: no column x" {
		t.Errorf("%v", got)
	}
	other := errors.New("disk full")
	if got := warehouse.WithoutStatement(other); !errors.Is(got, other) || got.Error() != "disk full" || warehouse.WithoutStatement(nil) != nil {
		t.Errorf("%v", got)
	}
}
