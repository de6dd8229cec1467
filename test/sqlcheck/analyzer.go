// Package sqlcheck checks SQL for BigQuery without BigQuery. It uses the parser and the
// analyzer of GoogleSQL, on which BigQuery is built. The check finds wrong syntax,
// missing columns, wrong types and missing functions.
//
// The check does not find the limits that BigQuery adds to the language: it knows no
// quotas and accepts every released feature of GoogleSQL.
//
// The package is a module of its own, because the analyzer takes minutes and some
// gigabytes of memory to compile. The main module should not depend on it.
package sqlcheck

import (
	"fmt"
	"regexp"

	"github.com/goccy/go-googlesql"
)

// An Analyzer checks a sequence of statements. A statement may use the tables and views
// of earlier statements. An Analyzer is not safe for concurrent use.
type Analyzer struct {
	catalog *googlesql.SimpleCatalog
	options *googlesql.AnalyzerOptions
	types   *googlesql.TypeFactory
	columns map[string][]column // of each table, view and table function
	// outputs owns the syntax trees of the catalog's tables.
	outputs []*googlesql.AnalyzerOutput
}

// New returns an analyzer without tables.
func New() (*Analyzer, error) {
	if err := googlesql.Init(); err != nil {
		return nil, fmt.Errorf("start GoogleSQL: %w", err)
	}
	language, err := language()
	if err != nil {
		return nil, fmt.Errorf("set language: %w", err)
	}
	a := &Analyzer{columns: map[string][]column{}}
	if a.types, err = googlesql.NewTypeFactory(); err != nil {
		return nil, fmt.Errorf("make types: %w", err)
	}
	if a.catalog, err = googlesql.NewSimpleCatalog("bigquery", a.types); err != nil {
		return nil, fmt.Errorf("make catalog: %w", err)
	}
	if err := a.catalog.AddBuiltinFunctionsAndTypes(&googlesql.BuiltinFunctionOptions{LanguageOptions: language}); err != nil {
		return nil, fmt.Errorf("add functions: %w", err)
	}
	if a.options, err = googlesql.NewAnalyzerOptions2(); err != nil {
		return nil, fmt.Errorf("make options: %w", err)
	}
	if err := a.options.SetLanguage(language); err != nil {
		return nil, fmt.Errorf("set language: %w", err)
	}
	return a, nil
}

// language returns the options of GoogleSQL that match BigQuery best. QUALIFY needs a
// reserved keyword.
func language() (*googlesql.LanguageOptions, error) {
	l, err := googlesql.NewLanguageOptions()
	if err != nil {
		return nil, err
	}
	for _, set := range []func() error{
		l.EnableMaximumLanguageFeatures,
		l.SetSupportsAllStatementKinds,
		func() error { return l.EnableAllReservableKeywords(true) },
		func() error { return l.SetProductMode(googlesql.ProductModeProductExternal) },
	} {
		if err := set(); err != nil {
			return nil, err
		}
	}
	return l, nil
}

// call matches a call of a table function with the parameters of the calling function.
var call = regexp.MustCompile("(`[^`]+`)\\(first_day, last_day\\)")

// Run checks a statement and adds the table, view or table function that it creates. A
// table with the same columns stands in for a table function.
func (a *Analyzer) Run(sql string) error {
	sql = call.ReplaceAllString(sql, "$1")
	out, err := googlesql.AnalyzeStatement(sql, a.options, a.catalog, a.types)
	if err != nil {
		return err
	}
	a.outputs = append(a.outputs, out)
	statement, err := out.ResolvedStatement()
	if err != nil {
		return fmt.Errorf("read statement: %w", err)
	}
	switch s := statement.(type) {
	case *googlesql.ResolvedCreateTableStmt:
		columns, err := tableColumns(s)
		if err != nil {
			return err
		}
		return a.create(s.ResolvedCreateStatement, columns)
	case *googlesql.ResolvedCreateViewStmt:
		columns, err := outputColumns(s.OutputColumnList())
		if err != nil {
			return err
		}
		return a.create(s.ResolvedCreateStatement, columns)
	case *googlesql.ResolvedCreateTableFunctionStmt:
		columns, err := outputColumns(s.OutputColumnList())
		if err != nil {
			return err
		}
		return a.create(s.ResolvedCreateStatement, columns)
	default:
		return nil
	}
}
