// Package sqlcheck checks SQL for BigQuery without BigQuery: with GoogleSQL's own
// parser and analyzer, which BigQuery is built on. It finds wrong syntax, columns
// that do not exist, wrong types and calls of functions that there are not.
//
// It does not find what BigQuery allows less than the language, as it knows no
// quotas, and takes any feature that GoogleSQL has released.
//
// The package is a module of its own because the analyzer takes minutes and some
// gigabytes of memory to compile, which the product should not carry.
package sqlcheck

import (
	"fmt"

	"github.com/goccy/go-googlesql"
)

// An Analyzer checks statements that belong together: a table or view that one
// creates is there for those after it. It is not safe for concurrent use.
type Analyzer struct {
	catalog *googlesql.SimpleCatalog
	options *googlesql.AnalyzerOptions
	types   *googlesql.TypeFactory
	// outputs own the trees that the catalog's tables refer to.
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
	a := &Analyzer{}
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

// language is what BigQuery speaks, as far as GoogleSQL has a switch for it.
// QUALIFY needs its keyword to be reserved.
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

// Run checks one statement, and makes what it creates known.
func (a *Analyzer) Run(sql string) error {
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
		columns, err := viewColumns(s)
		if err != nil {
			return err
		}
		return a.create(s.ResolvedCreateStatement, columns)
	default:
		return nil
	}
}
