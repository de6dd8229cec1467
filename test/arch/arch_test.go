// Package arch_test checks which package may import which, and writes the table
// of packages into CONTRIBUTING.md.
//
// The test parses the files instead of running "go list": the test cache tracks
// the files that a test opens, but not the files that a subprocess reads. With
// "go list" a new violation in another package would get a cached pass.
package arch_test

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/cioevents/cioevents"

// owners names the one package that may import a third-party module outside
// tests. The packages in the owner's folder may import the module, too: a fake
// beside an adapter speaks the adapter's protocol. A module that neither owners
// nor shared lists may not be imported. Packages under test/ may import anything
// and own nothing.
var owners = map[string]string{
	"github.com/labstack/echo/v4":            "internal/ingest",
	"github.com/nats-io/nats.go":             "internal/stream",
	"github.com/nats-io/nats-server/v2":      "internal/stream/natsserver",
	"github.com/customerio/go-customerio/v3": "internal/customerio",
	"github.com/duckdb/duckdb-go/v2":         "internal/warehouse/duckdb",
	"github.com/duckdb/duckdb-go-bindings":   "internal/warehouse/duckdb",
	"github.com/greatroar/blobloom":          "internal/warehouse/duckdb",
	"github.com/parquet-go/parquet-go":       "internal/warehouse/parquet",
	"cloud.google.com/go/bigquery":           "internal/warehouse/bigquery",
	"github.com/googleapis/gax-go/v2":        "internal/warehouse/bigquery",
	"google.golang.org/api":                  "internal/warehouse/bigquery",
	"google.golang.org/genproto":             "internal/warehouse/bigquery",
	"google.golang.org/grpc":                 "internal/warehouse/bigquery",
	"google.golang.org/protobuf":             "internal/warehouse/bigquery",
	"github.com/spf13/pflag":                 "internal/config",
	"github.com/dchest/siphash":              "internal/privacy",
	"github.com/spf13/cobra":                 "cmd/cioctl",
	"github.com/vbauerster/mpb/v8":           "cmd/cioctl",
	"github.com/mattn/go-isatty":             "internal/terminal",
	"go.opentelemetry.io/otel":               "internal/telemetry",
	"golang.org/x/crypto":                    "internal/console",
	"golang.org/x/sys":                       "internal/ingest",
}

// shared lists the modules that several packages may import: the Go team's
// extensions of the standard library, YAML, logs, metrics and spans. The concepts and pkg/
// may import none of them but YAML.
var shared = map[string][]string{
	"go.yaml.in/yaml/v4":                  {"internal/strictyaml", "internal/effect", "internal/warehouse/guard"},
	"golang.org/x/time/rate":              {"internal/customerio", "internal/operate", "internal/console"},
	"golang.org/x/sync":                   {"internal/customerio", "internal/worker", "internal/operate", "internal/audit", "internal/app", "internal/dev"},
	"go.opentelemetry.io/otel/trace":      spans,
	"go.opentelemetry.io/otel/attribute":  spans,
	"github.com/rs/zerolog":               telling,
	"github.com/prometheus/client_golang": telling,
}

// telling lists the packages that log and count. All are above the concepts.
var telling = []string{
	"internal/telemetry", "internal/stream", "internal/ingest", "internal/worker", "internal/customerio",
	"internal/warehouse", "internal/audit", "internal/names", "internal/app", "internal/alerts", "internal/console", "internal/dev", "cmd/cioctl",
}

// spans lists the packages that make spans. Only internal/telemetry imports the
// SDK and the exporter.
var spans = []string{"internal/telemetry", "internal/ingest", "internal/stream", "internal/worker", "internal/customerio"}

func TestImports(t *testing.T) {
	t.Parallel()

	floorOf := map[string]int{} // 1 is the lowest
	for i, f := range floors {
		for _, r := range f.rooms {
			if floorOf[r.pkg] > 0 {
				t.Errorf("floors lists %s twice", r.pkg)
			}
			floorOf[r.pkg] = len(floors) - i
		}
	}

	seen := map[string]bool{}
	for _, f := range goFiles(t, filepath.Join("..", "..")) {
		floor, ok := floorOf[f.pkg]
		if !ok {
			t.Errorf("%s: package %s is on no floor; add it to floors", f.name, f.pkg)
			continue
		}
		seen[f.pkg] = true
		if within(f.pkg, "test") {
			for _, imp := range f.imports {
				if dep, ours := strings.CutPrefix(imp, module+"/"); ours && within(dep, "test") && dep != f.pkg && dep != "test/lab" {
					t.Errorf("%s may not import %s: programs under test/ share test/lab and nothing else", f.name, imp)
				}
			}
			continue
		}
		maxFloor := floor - 1
		if f.isTest {
			maxFloor = floor
		}
		for _, imp := range f.imports {
			if f.isTest && imp == module+"/"+f.pkg+"/"+path.Base(f.pkg)+"test" {
				continue // helpers for the tests of this package
			}
			if err := checkFloor(floorOf, f.pkg, imp, maxFloor); err != nil {
				t.Errorf("%s: %v", f.name, err)
			}
			if f.isTest {
				continue
			}
			if err := checkOwner(f.pkg, imp); err != nil {
				t.Errorf("%s: %v", f.name, err)
			}
		}
	}
	for name := range floorOf {
		if !seen[name] && !isModule(os.DirFS(filepath.Join("..", "..")), name) {
			t.Errorf("floors lists %s, which does not exist", name)
		}
	}
}

// checkFloor reports an import of a package of this module above maxFloor.
func checkFloor(floorOf map[string]int, pkg, imp string, maxFloor int) error {
	dep, ours := strings.CutPrefix(imp, module+"/")
	if !ours || dep == pkg {
		return nil
	}
	if within(dep, "test") || floorOf[dep] > maxFloor {
		return fmt.Errorf("%s may not import %s: it is not on a lower floor", pkg, dep)
	}
	return nil
}

// checkOwner reports a third-party import by a package that does not own it.
func checkOwner(pkg, imp string) error {
	host, _, _ := strings.Cut(imp, "/")
	if !strings.Contains(host, ".") || strings.HasPrefix(imp, module+"/") {
		return nil // the standard library or this module
	}
	for mod := imp; mod != "."; mod = path.Dir(mod) { // the longest entry decides
		users, listed := shared[mod]
		if owner, owned := owners[mod]; owned {
			users, listed = []string{owner}, true
		}
		switch {
		case !listed:
			continue
		case slices.ContainsFunc(users, func(room string) bool { return within(pkg, room) }):
			return nil
		}
		return fmt.Errorf("%s may not import %s: only %v may", pkg, imp, users)
	}
	return fmt.Errorf("%s may not import %s: owners does not list it", pkg, imp)
}

// within reports whether pkg is the room or lies in the room's folder.
func within(pkg, room string) bool { return pkg == room || strings.HasPrefix(pkg, room+"/") }

type goFile struct {
	name    string // path from the module root
	pkg     string // directory from the module root
	isTest  bool
	imports []string
}

func goFiles(t *testing.T, root string) []goFile {
	t.Helper()

	var files []goFile
	rootFS := os.DirFS(root)
	err := fs.WalkDir(rootFS, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name != "." && (d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") || isModule(rootFS, name)) {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") {
			return nil
		}
		src, err := fs.ReadFile(rootFS, name)
		if err != nil {
			return err
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), name, src, parser.ImportsOnly)
		if err != nil {
			return err
		}
		f := goFile{name: name, pkg: path.Dir(name), isTest: strings.HasSuffix(name, "_test.go")}
		for _, spec := range parsed.Imports {
			imp, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			f.imports = append(f.imports, imp)
		}
		files = append(files, f)
		return nil
	})
	if err != nil {
		t.Fatalf("walk %s: %v", root, err)
	}
	return files
}

// isModule reports whether a directory is a module of its own.
func isModule(root fs.FS, dir string) bool {
	_, err := fs.Stat(root, path.Join(dir, "go.mod"))
	return err == nil
}
