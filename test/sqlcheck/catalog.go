package sqlcheck

import (
	"fmt"
	"strings"

	"github.com/goccy/go-googlesql"
)

// A column is a name and a type.
type column struct {
	name string
	kind googlesql.Googlesql_TypeNode
}

// create adds the table or view that a statement creates to the catalog.
func (a *Analyzer) create(s *googlesql.ResolvedCreateStatement, columns []column) error {
	path, err := s.NamePath()
	if err != nil {
		return fmt.Errorf("read name: %w", err)
	}
	// GoogleSQL reads the quoted name `project.dataset.table` as a single word.
	name := strings.Join(path, ".")
	table, err := googlesql.NewSimpleTable(name, int64(len(a.outputs)))
	if err != nil {
		return fmt.Errorf("make table: %w", err)
	}
	for _, c := range columns {
		col, err := googlesql.NewSimpleColumn(name, c.name, c.kind, false, true)
		if err != nil {
			return fmt.Errorf("make column %s.%s: %w", name, c.name, err)
		}
		if err := table.AddColumn2(col, false); err != nil {
			return fmt.Errorf("add column %s.%s: %w", name, c.name, err)
		}
	}
	if err := a.catalog.AddTable(table); err != nil {
		return fmt.Errorf("add table: %w", err)
	}
	a.columns[name] = columns
	return nil
}

// Columns returns the columns of a table, view or table function in order, each as a name
// and a type: "event_id STRING".
func (a *Analyzer) Columns(name string) ([]string, error) {
	var list []string
	for _, c := range a.columns[name] {
		kind, err := c.kind.DebugString(false)
		if err != nil {
			return nil, fmt.Errorf("read type of %s: %w", c.name, err)
		}
		list = append(list, c.name+" "+kind)
	}
	return list, nil
}

func tableColumns(s *googlesql.ResolvedCreateTableStmt) ([]column, error) {
	definitions, err := s.ColumnDefinitionList()
	if err != nil {
		return nil, fmt.Errorf("read columns: %w", err)
	}
	columns := make([]column, len(definitions))
	for i, d := range definitions {
		if columns[i].name, err = d.Name(); err != nil {
			return nil, fmt.Errorf("read column: %w", err)
		}
		if columns[i].kind, err = d.Type(); err != nil {
			return nil, fmt.Errorf("read type of %s: %w", columns[i].name, err)
		}
	}
	return columns, nil
}

func outputColumns(outputs []*googlesql.ResolvedOutputColumn, err error) ([]column, error) {
	if err != nil {
		return nil, fmt.Errorf("read columns: %w", err)
	}
	columns := make([]column, len(outputs))
	for i, o := range outputs {
		if columns[i].name, err = o.Name(); err != nil {
			return nil, fmt.Errorf("read column: %w", err)
		}
		c, err := o.Column()
		if err != nil {
			return nil, fmt.Errorf("read column %s: %w", columns[i].name, err)
		}
		if columns[i].kind, err = c.Type(); err != nil {
			return nil, fmt.Errorf("read type of %s: %w", columns[i].name, err)
		}
	}
	return columns, nil
}
