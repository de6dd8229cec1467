package sqlcheck

import (
	"fmt"
	"strings"

	"github.com/goccy/go-googlesql"
)

// RunScript checks a script of several statements. The parser checks the whole script.
// The analyzer checks each query, UPDATE and MERGE in the script, with a value in place
// of each variable: the analyzer knows no variables.
func (a *Analyzer) RunScript(sql string, variables map[string]string) error {
	statements, err := dataStatements(sql)
	if err != nil {
		return err
	}
	for _, s := range statements {
		for name, value := range variables {
			s = strings.ReplaceAll(s, name, value)
		}
		if err := a.Run(s); err != nil {
			return fmt.Errorf("%w\n%s", err, s)
		}
	}
	return nil
}

// dataStatements returns the queries and the changes of rows in a script.
func dataStatements(sql string) ([]string, error) {
	language, err := language()
	if err != nil {
		return nil, fmt.Errorf("set language: %w", err)
	}
	options, err := googlesql.NewParserOptions2(nil, nil, language)
	if err != nil {
		return nil, fmt.Errorf("make options: %w", err)
	}
	out, err := googlesql.ParseScript(sql, options, &googlesql.ErrorMessageOptions{
		Mode: googlesql.ErrorMessageModeErrorMessageOneLine, Stability: googlesql.ErrorMessageStabilityProduction,
	})
	if err != nil {
		return nil, err
	}
	script, err := out.Script()
	if err != nil {
		return nil, fmt.Errorf("read script: %w", err)
	}
	var statements []string
	err = collect(script, sql, &statements)
	return statements, err
}

// collect adds the text of the queries and changes below a node of the script to
// statements.
func collect(node googlesql.ASTNode, sql string, statements *[]string) error {
	switch n := node.(type) {
	case *googlesql.ASTQuery, *googlesql.ASTUpdateStatement, *googlesql.ASTMergeStatement:
		place, err := n.GetParseLocationRange()
		if err != nil {
			return fmt.Errorf("find statement: %w", err)
		}
		text, err := place.GetTextFrom(sql)
		*statements = append(*statements, text)
		return err
	case interface {
		NumChildren() (int32, error)
		Child(int32) (googlesql.ASTNode, error)
	}:
		count, err := n.NumChildren()
		for i := int32(0); i < count && err == nil; i++ {
			var child googlesql.ASTNode
			if child, err = n.Child(i); err == nil {
				err = collect(child, sql, statements)
			}
		}
		return err
	default:
		return nil
	}
}
