package sqlcheck

import (
	"fmt"
	"slices"

	"github.com/goccy/go-googlesql"
)

// A Read is one scan of a table by a query.
type Read struct {
	Table   string
	Columns []string // sorted
	// Before and After are the bounds on the partitions: the numbers of days in conditions
	// such as `timestamp` >= TIMESTAMP_SUB(…, INTERVAL n DAY) and `timestamp` < TIMESTAMP(
	// DATE_ADD(…, INTERVAL n DAY)). -1 means that the query has no such condition.
	Before, After int64
}

// Reads returns the scans of tables in a query, each with the columns that the result
// depends on. An aggregate or expression that the result does not contain reads nothing.
func (a *Analyzer) Reads(query string) ([]Read, error) {
	out, err := googlesql.AnalyzeStatement(query, a.options, a.catalog, a.types)
	if err != nil {
		return nil, err
	}
	a.outputs = append(a.outputs, out)
	statement, err := out.ResolvedStatement()
	if err != nil {
		return nil, fmt.Errorf("read statement: %w", err)
	}
	l := lineage{uses: map[int32][]int32{}, before: map[int32]int64{}, after: map[int32]int64{}}
	if err := l.walk(statement, result); err != nil {
		return nil, fmt.Errorf("walk query: %w", err)
	}
	return l.reads()
}

// result stands in for a column that reads all columns which decide about the rows of the
// result. GoogleSQL numbers columns from 1.
const result = 0

// A lineage knows from which columns each column of a query is computed.
type lineage struct {
	uses          map[int32][]int32
	before, after map[int32]int64 // bounds by column
	scans         []*googlesql.ResolvedTableScan
}

// walk adds a node and all nodes below. The node belongs to the expression of a column, or
// to the result.
func (l *lineage) walk(node googlesql.ResolvedNode, of int32) error {
	var err error
	switch n := node.(type) {
	case *googlesql.ResolvedWithRefScan, *googlesql.ResolvedSetOperationScan:
		return fmt.Errorf("%T renames columns, which lineage does not follow", n)
	case *googlesql.ResolvedTableScan:
		l.scans = append(l.scans, n)
	case *googlesql.ResolvedFilterScan:
		err = l.filter(n)
	case *googlesql.ResolvedAggregateScan:
		err = l.group(n)
	case *googlesql.ResolvedOutputColumn:
		err = l.use(of, n)
	case *googlesql.ResolvedColumnRef:
		err = l.use(of, n)
	case *googlesql.ResolvedComputedColumn:
		if of == result {
			of, err = id(n)
		}
	}
	if err != nil {
		return err
	}
	children, err := node.GetChildNodes()
	for i := 0; i < len(children) && err == nil; i++ {
		err = l.walk(children[i], of)
	}
	return err
}

// A holder is a node about a column.
type holder interface {
	Column() (*googlesql.ResolvedColumn, error)
}

func id(n holder) (int32, error) {
	c, err := n.Column()
	if err != nil {
		return 0, err
	}
	return c.ColumnId()
}

func (l *lineage) use(of int32, n holder) error {
	c, err := id(n)
	l.uses[of] = append(l.uses[of], c)
	return err
}

// group adds the columns of GROUP BY, which decide about the rows.
func (l *lineage) group(n *googlesql.ResolvedAggregateScan) error {
	columns, err := n.GroupByList()
	for i := 0; i < len(columns) && err == nil; i++ {
		err = l.use(result, columns[i])
	}
	return err
}

// reads returns the scans with the columns that the result needs.
func (l *lineage) reads() ([]Read, error) {
	needed, todo := map[int32]bool{}, []int32{result}
	for len(todo) > 0 {
		c := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if !needed[c] {
			needed[c] = true
			todo = append(todo, l.uses[c]...)
		}
	}
	var list []Read
	for _, s := range l.scans {
		r, err := l.read(s, needed)
		if err != nil {
			return nil, fmt.Errorf("read scan: %w", err)
		}
		list = append(list, r)
	}
	return list, nil
}

func (l *lineage) read(s *googlesql.ResolvedTableScan, needed map[int32]bool) (Read, error) {
	r := Read{Before: -1, After: -1}
	table, err := s.Table()
	if err != nil {
		return r, err
	}
	if r.Table, err = table.Name(); err != nil {
		return r, err
	}
	columns, err := s.ColumnList()
	if err != nil {
		return r, err
	}
	for _, c := range columns {
		n, err := c.ColumnId()
		if err != nil {
			return r, err
		}
		name, err := c.Name()
		if err != nil {
			return r, err
		}
		if needed[n] {
			r.Columns = append(r.Columns, name)
		}
		if days, found := l.before[n]; found && name == "timestamp" {
			r.Before = days
		}
		if days, found := l.after[n]; found && name == "timestamp" {
			r.After = days
		}
	}
	slices.Sort(r.Columns)
	return r, nil
}
