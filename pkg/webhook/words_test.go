package webhook_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cioevents/cioevents/pkg/webhook"
)

// TestListsOfWords compares the lists with the constants: a new constant must be added to
// its list.
func TestListsOfWords(t *testing.T) {
	t.Parallel()
	declared := constants(t)
	if diff := cmp.Diff(declared["ObjectType"], texts(webhook.ObjectTypes())); diff != "" {
		t.Errorf("ObjectTypes (-declared +listed):\n%s", diff)
	}
	if diff := cmp.Diff(declared["Metric"], texts(webhook.Metrics())); diff != "" {
		t.Errorf("Metrics (-declared +listed):\n%s", diff)
	}
}

func texts[T ~string](words []T) []string {
	var list []string
	for _, w := range words {
		list = append(list, string(w))
	}
	return list
}

// constants returns the values of the constants in event.go by type, sorted.
func constants(t *testing.T) map[string][]string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "event.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	values := map[string][]string{}
	ast.Inspect(file, func(n ast.Node) bool {
		if spec, ok := n.(*ast.ValueSpec); ok {
			of, isNamed := spec.Type.(*ast.Ident)
			text, isText := spec.Values[0].(*ast.BasicLit)
			if isNamed && isText {
				value, err := strconv.Unquote(text.Value)
				if err != nil {
					t.Fatal(err)
				}
				values[of.Name] = append(values[of.Name], value)
			}
		}
		return true
	})
	for _, list := range values {
		slices.Sort(list)
	}
	return values
}
