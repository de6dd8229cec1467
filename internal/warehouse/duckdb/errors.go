package duckdb

import (
	"errors"
	"strings"

	duck "github.com/duckdb/duckdb-go/v2"
)

// aboutRows judges an error of an insert: true when DuckDB refuses what is in the
// rows, so that it would refuse it again and take other rows; false for whatever
// ends or can be mended: a full disk, a lock, an ended context, too little
// memory, a broken file. In doubt it is false, which costs a wait and no row.
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

// reasons are what a refusal may repeat of DuckDB's text.
var reasons = []string{
	"Conversion Error", "Out of Range Error", "Invalid Input Error", "Constraint Error",
	"out of range for the destination type", "Could not convert string", "Malformed JSON",
	"NOT NULL constraint failed", "CHECK constraint failed", "violates unique constraint", "violates primary key constraint",
}

// refusal is the error of a row that DuckDB refuses with err. It is made of the
// words of reasons alone, because DuckDB's text quotes the value.
func refusal(err error) error {
	said := []string{"DuckDB refuses the row"}
	for _, r := range reasons {
		if strings.Contains(err.Error(), r) {
			said = append(said, r)
		}
	}
	return errors.New(strings.Join(said, ": "))
}
