package duckdb

import (
	"errors"
	"strings"

	duck "github.com/duckdb/duckdb-go/v2"
)

// aboutRows reports whether an error of an insert is about values in the rows:
// DuckDB would refuse the same rows again, and accept other rows. Errors that pass,
// or that an operator can fix, are not about the rows: a full disk, a lock, an ended
// context, too little memory, a broken file. In doubt aboutRows returns false, because
// a wait loses no row.
func aboutRows(err error) bool {
	e, ok := errors.AsType[*duck.Error](err)
	if !ok {
		return false
	}
	switch e.Type {
	case duck.ErrorTypeConversion, duck.ErrorTypeOutOfRange, duck.ErrorTypeInvalidInput, duck.ErrorTypeConstraint:
		return true
	default:
		return false
	}
}

// reasons are the parts of DuckDB's texts that a refusal may repeat.
var reasons = []string{
	"Conversion Error", "Out of Range Error", "Invalid Input Error", "Constraint Error",
	"out of range for the destination type", "Could not convert string", "Malformed JSON",
	"NOT NULL constraint failed", "CHECK constraint failed", "violates unique constraint", "violates primary key constraint",
}

// refusal returns the error of a row that DuckDB refuses with err. The error repeats
// only the words in reasons, because DuckDB's text quotes values.
func refusal(err error) error {
	said := []string{"DuckDB refuses the row"}
	for _, r := range reasons {
		if strings.Contains(err.Error(), r) {
			said = append(said, r)
		}
	}
	return errors.New(strings.Join(said, ": "))
}
