package docs_test

import (
	"fmt"
	"go/ast"
	"go/constant"
	"go/parser"
	"go/token"
	"go/types"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// constants reads constants of this module from its files. Importing the packages
// instead would link DuckDB and NATS, and would not give unexported constants.
type constants struct {
	fset     *token.FileSet
	packages map[string]*source // by import path
}

// A source is a parsed package whose constants are evaluated. Names of other modules
// stay unresolved, and their errors are ignored.
type source struct {
	types *types.Package
	files []*ast.File
}

func newConstants() *constants {
	return &constants{token.NewFileSet(), map[string]*source{"time": {types: durations()}}}
}

// durations returns a package time with the units only. Checking the real package would
// take a second.
func durations() *types.Package {
	pkg := types.NewPackage("time", "time")
	name := types.NewTypeName(token.NoPos, pkg, "Duration", nil)
	typ := types.NewNamed(name, types.Typ[types.Int64], nil)
	pkg.Scope().Insert(name)
	for unit, d := range map[string]time.Duration{
		"Nanosecond": time.Nanosecond, "Microsecond": time.Microsecond, "Millisecond": time.Millisecond,
		"Second": time.Second, "Minute": time.Minute, "Hour": time.Hour,
	} {
		pkg.Scope().Insert(types.NewConst(token.NoPos, pkg, unit, typ, constant.MakeInt64(int64(d))))
	}
	pkg.MarkComplete()
	return pkg
}

// value returns the value behind a reference:
//
//	internal/ingest.bodyTimeout           a constant
//	cmd/ingest.debug.SetGCPercent(…)      the argument of the only call
func (c *constants) value(reference string) (types.TypeAndValue, error) {
	dir, name, _ := strings.Cut(path.Base(reference), ".")
	dir = path.Join(path.Dir(reference), dir)
	pkg, err := c.load(module + "/" + dir)
	if err != nil {
		return types.TypeAndValue{}, err
	}
	if fun, ok := strings.CutSuffix(name, "(…)"); ok {
		return c.argument(pkg, dir, fun)
	}
	found, ok := pkg.types.Scope().Lookup(name).(*types.Const)
	if !ok {
		return types.TypeAndValue{}, fmt.Errorf("package %s has no constant %s", dir, name)
	}
	return types.TypeAndValue{Type: found.Type(), Value: found.Val()}, nil
}

// argument returns the value of the argument of the only call of a function.
func (c *constants) argument(pkg *source, dir, fun string) (types.TypeAndValue, error) {
	var arguments []ast.Expr
	for _, f := range pkg.files {
		ast.Inspect(f, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if ok && len(call.Args) == 1 && types.ExprString(call.Fun) == fun {
				arguments = append(arguments, call.Args[0])
			}
			return true
		})
	}
	if len(arguments) != 1 {
		return types.TypeAndValue{}, fmt.Errorf("package %s has %d calls of %s with one argument, want 1", dir, len(arguments), fun)
	}
	info := &types.Info{Types: map[ast.Expr]types.TypeAndValue{}}
	err := types.CheckExpr(c.fset, pkg.types, arguments[0].Pos(), arguments[0], info)
	return info.Types[arguments[0]], err
}

// load parses a package of this module without its tests.
func (c *constants) load(importPath string) (*source, error) {
	if s, ok := c.packages[importPath]; ok {
		return s, nil
	}
	names, err := filepath.Glob(filepath.Join(root, strings.TrimPrefix(importPath, module), "*.go"))
	if err != nil {
		return nil, err
	}
	s := &source{}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(c.fset, name, nil, 0)
		if err != nil {
			return nil, err
		}
		s.files = append(s.files, f)
	}
	if len(s.files) == 0 {
		return nil, fmt.Errorf("package %s has no files", strings.TrimPrefix(importPath, module+"/"))
	}
	cfg := types.Config{Importer: c, Error: func(error) {}, IgnoreFuncBodies: true}
	s.types, _ = cfg.Check(importPath, c.fset, s.files, nil)
	c.packages[importPath] = s
	return s, nil
}

// Import implements types.Importer. Packages of other modules are empty.
func (c *constants) Import(importPath string) (*types.Package, error) {
	if _, known := c.packages[importPath]; known || strings.HasPrefix(importPath, module) {
		s, err := c.load(importPath)
		if err != nil {
			return nil, err
		}
		return s.types, nil
	}
	return types.NewPackage(importPath, path.Base(importPath)), nil
}

func TestConstantsAreEvaluated(t *testing.T) {
	t.Parallel()
	c := newConstants()
	const dir = "test/docs/testdata/constants"
	for name, want := range map[string]string{
		".shifted":                 "16384",
		".duration":                "7776000000000000",
		".text":                    `"messaging"`,
		".length":                  "11",
		".fraction":                "0.9",
		".derived":                 "297",
		".one":                     "1",
		".debug.SetMemoryLimit(…)": "167772160",
		".nothing":                 "package " + dir + " has no constant nothing",
		".variable":                "package " + dir + " has no constant variable",
		".debug.SetMaxThreads(…)":  "package " + dir + " has 0 calls of debug.SetMaxThreads with one argument, want 1",
		".debug.SetGCPercent(…)":   "package " + dir + " has 2 calls of debug.SetGCPercent with one argument, want 1",
		"/nothing.shifted":         "package " + dir + "/nothing has no files",
		"/other.Exported":          "300",
	} {
		value, err := c.value(dir + name)
		got := fmt.Sprint(err)
		if err == nil {
			got = value.Value.String()
		}
		if got != want {
			t.Errorf("%s: got %s, want %s", name, got, want)
		}
	}
}
