package duckdb

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	duck "github.com/duckdb/duckdb-go/v2"
)

func TestAboutRows(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		kind duck.ErrorType
		text string // of DuckDB 1.5
		want bool
	}{
		{duck.ErrorTypeConversion, "Conversion Error: Type INT64 with value 5000000000 can't be cast because the value is out of range for the destination type INT32", true},
		{duck.ErrorTypeConversion, "Conversion Error: Could not convert string 'ann@example.com' to INT32", true},
		{duck.ErrorTypeOutOfRange, "Out of Range Error: Overflow in multiplication of INT64 (1 * 2)!", true},
		{duck.ErrorTypeInvalidInput, `Invalid Input Error: Malformed JSON at byte 12 of input: unexpected end of data.  Input: "{"email":"ann@example.com""`, true},
		{duck.ErrorTypeConstraint, "Constraint Error: CHECK constraint failed on table customerio_events with expression CHECK((subject != 'ann@example.com'))", true},
		{duck.ErrorTypeConstraint, `Constraint Error: Duplicate key "email_address: ann@example.com" violates unique constraint.`, true},

		{duck.ErrorTypeIO, "IO Error: Could not write file \"e.duckdb.wal\": No space left on device", false},
		{duck.ErrorTypeTransaction, "TransactionContext Error: Failed to commit: Could not write file \"e.duckdb.wal\": No space left on device", false},
		{duck.ErrorTypeIO, "IO Error: Could not set lock on file \"e.duckdb\": Conflicting lock is held in duckdb (PID 4711)", false},
		{duck.ErrorTypeOutOfMemory, "Out of Memory Error: failed to allocate data of size 16.0 MiB (244.1 MiB/244.1 MiB used)", false},
		{duck.ErrorTypeFatal, "FATAL Error: Failed: database has been invalidated because of a previous fatal error", false},
		{duck.ErrorTypeInternal, "INTERNAL Error: Attempted to access index 0 within vector of size 0", false},
		{duck.ErrorTypeInterrupt, "INTERRUPT Error: Interrupted!", false},
		{duck.ErrorTypeCatalog, "Catalog Error: Table with name customerio_events does not exist!", false},
		{duck.ErrorTypeBinder, "Binder Error: Table \"customerio_events\" does not have a column with name \"cio_id\"", false},
		{duck.ErrorTypeSerialization, "Serialization Error: Failed to deserialize: field id mismatch", false},
		{duck.ErrorTypeInvalid, "Invalid Error: something new", false},
	} {
		err := fmt.Errorf("insert 3 rows: %w", &duck.Error{Type: c.kind, Msg: c.text})
		if got := aboutRows(err); got != c.want {
			t.Errorf("aboutRows(%v) is %v", err, got)
		}
		if said := refusal(err).Error(); c.want && (strings.Contains(said, "ann@") || strings.Contains(said, "5000") || !strings.Contains(said, "Error")) {
			t.Errorf("refusal says %q of %v; want DuckDB's kind of error and no value", said, err)
		}
	}
	for _, err := range []error{context.Canceled, context.DeadlineExceeded, errors.New("Conversion Error: not by DuckDB")} {
		if aboutRows(err) {
			t.Errorf("aboutRows(%v) is true", err)
		}
	}
}
