package bigquery

import (
	"context"
	"fmt"
	"strings"

	"github.com/cioevents/cioevents/internal/warehouse"
)

const rollupAbout = "Counts of each day by message and mailbox provider, kept by cioctl warehouse rollup"

// rollupSQL replaces days of the table in one statement, so that readers see the old rows or
// the new rows. BigQuery knows ON FALSE as a constant false predicate, for a replacement of rows
// without a join (https://cloud.google.com/bigquery/docs/reference/standard-sql/dml-syntax#merge_statement).
const rollupSQL = `MERGE {table} t
USING (
{source}
) s
ON FALSE
WHEN NOT MATCHED BY SOURCE AND {days} THEN DELETE
WHEN NOT MATCHED BY TARGET THEN INSERT ({columns}) VALUES ({values})`

// Rollup returns the GoogleSQL that replaces the days of the table warehouse.Rollup.
//
// The statement contains the query of the table function of deliveries, because only the SQL
// of Statements creates the function, perhaps that of an older release.
func Rollup(project, dataset string, days warehouse.Days) string {
	var columns, values []string
	for _, c := range warehouse.RollupColumns() {
		columns, values = append(columns, c.Name), append(values, "s."+c.Name)
	}
	return strings.NewReplacer(
		"{table}", quote(project, dataset, warehouse.Rollup),
		"{source}", warehouse.RollupSQL(inline(project, dataset, warehouse.Deliveries, days)),
		"{days}", days.Within("t.day"),
		"{columns}", strings.Join(columns, ", "),
		"{values}", strings.Join(values, ", "),
	).Replace(rollupSQL)
}

// inline returns the query of a table function with the days in place of its parameters. A
// comment names the function.
func inline(project, dataset, name string, days warehouse.Days) string {
	for _, f := range functions(project, dataset) {
		if f.name == name+warehouse.Between {
			first, last := days.Dates()
			query := strings.NewReplacer("first_day", first, "last_day", last).Replace(f.query)
			return fmt.Sprintf("( -- %s(%s, %s)\n%s\n)", f.name, first, last, query)
		}
	}
	panic("bigquery: no table function of " + name) // a constant
}

// A Roller keeps the table warehouse.Rollup by query jobs, as a Reader runs them: with a
// dry run before, within MaxBytesBilled, and cancelled when the context ends. The account
// needs roles/bigquery.dataEditor on the dataset and roles/bigquery.jobUser on the project.
type Roller struct{ reader *Reader }

// OpenRoller connects to the dataset as OpenReader does.
func OpenRoller(ctx context.Context, cfg Config) (*Roller, error) {
	r, err := OpenReader(ctx, cfg)
	if err != nil {
		return nil, err
	}
	r.purpose = purpose{kind: "MERGE", verb: "replaces rows", label: "rollup"}
	return &Roller{r}, nil
}

// Estimate returns what Replace costs at most. Estimate is free and changes nothing.
func (r *Roller) Estimate(ctx context.Context, days warehouse.Days) (warehouse.Estimate, error) {
	return r.reader.Estimate(ctx, r.statement(days))
}

// Replace replaces the days, and returns the number of new rows. When ctx ends, the days
// are replaced or unchanged.
func (r *Roller) Replace(ctx context.Context, days warehouse.Days) (rows int64, err error) {
	r.reader.mu.Lock()
	defer r.reader.mu.Unlock()
	details, err := r.reader.runDML(ctx, r.statement(days))
	if err != nil {
		return 0, r.reader.explain(ctx, err)
	}
	if details.DMLStats != nil {
		rows = details.DMLStats.InsertedRowCount
	}
	return rows, nil
}

func (r *Roller) statement(days warehouse.Days) string {
	return Rollup(r.reader.cfg.Project, r.reader.cfg.Dataset, days)
}

// Close closes the connection.
func (r *Roller) Close() error { return r.reader.Close() }
