package warehouse

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// A Sign is the state of a part of a warehouse, for an operator.
type Sign struct {
	// Detail has figures and names.
	Detail string
	// Remedy names the way out, and is "" if all is well.
	Remedy string
	// Broken reports that rows cannot be written or read.
	Broken bool
}

// Well is the sign of a healthy part.
func Well(format string, a ...any) Sign { return Sign{Detail: fmt.Sprintf(format, a...)} }

const migrateRemedy = "start a worker of this release, or run cioctl warehouse migrate"

// ExamineSchema compares the columns and the views of a warehouse with those of this
// release. It reads no row.
func ExamineSchema(ctx context.Context, r Reader) Sign {
	events, err := ReadTable(ctx, r, "SELECT * FROM "+Events+" LIMIT 0")
	if ctx.Err() != nil {
		return late()
	}
	if err != nil {
		return Sign{Detail: "events cannot be read: " + err.Error(), Remedy: migrateRemedy, Broken: true}
	}
	var missing []string
	for _, c := range Columns() {
		if !slices.Contains(events.Columns, c.Name) {
			missing = append(missing, "column "+c.Name)
		}
	}
	for _, view := range Views() {
		// A view over a column of another release fails when DuckDB plans the query.
		if _, err := ReadTable(ctx, r, "SELECT 1 FROM "+view+" LIMIT 0"); err != nil {
			missing = append(missing, "view "+view)
		}
	}
	if ctx.Err() != nil {
		return late()
	}
	return SchemaSign(missing, "readable, %d columns and %d views", len(Columns()), len(Views()))
}

// late is the sign of a warehouse that is slow: DuckDB reads the end of each Parquet file
// for each view.
func late() Sign {
	return Sign{Detail: "columns and views could not be compared in the time", Remedy: "run cioctl warehouse compact if the folder has thousands of files; else try again when the machine is less busy"}
}

// SchemaSign is the sign about missing columns and views. Without any, the format describes
// the schema.
func SchemaSign(missing []string, format string, a ...any) Sign {
	const shown = 6
	rest := ""
	if n := len(missing) - shown; n > 0 {
		missing, rest = missing[:shown], fmt.Sprintf(" and %d more", n)
	}
	if len(missing) > 0 {
		return Sign{Detail: "missing, or of another release: " + strings.Join(missing, ", ") + rest, Remedy: migrateRemedy}
	}
	return Well(format, a...)
}
