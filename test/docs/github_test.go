package docs_test

import (
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
)

// A form is an issue template:
// https://docs.github.com/communities/using-templates-to-encourage-useful-issues-and-pull-requests/syntax-for-issue-forms
type form struct {
	Name, Description string
	Labels            []string
	Body              []struct {
		Type, ID    string
		Attributes  map[string]any
		Validations map[string]bool
	}
}

func TestIssueForms(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"bug", "feature"} {
		var f form
		if err := yaml.Load([]byte(read(t, ".github/ISSUE_TEMPLATE/"+name+".yml")), &f, yaml.WithKnownFields()); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if f.Name == "" || f.Description == "" || len(f.Body) == 0 {
			t.Errorf("%s: GitHub wants a name, a description and a body", name)
		}
		var ids []string
		for _, field := range f.Body {
			kinds := []string{"markdown", "input", "textarea", "dropdown", "checkboxes"}
			if !slices.Contains(kinds, field.Type) || field.Type != "markdown" && (field.ID == "" || field.Attributes["label"] == nil) {
				t.Errorf("%s: field %q of type %q lacks an id or a label", name, field.ID, field.Type)
			}
			if slices.Contains(ids, field.ID) {
				t.Errorf("%s: two fields with the id %q", name, field.ID)
			}
			ids = append(ids, field.ID)
		}
	}
}

var (
	uses   = regexp.MustCompile(`uses: (.*)`)
	pinned = regexp.MustCompile(`^[\w-]+/[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$`)
)

// TestWorkflows checks that no workflow can write to the repository, and that an action
// is pinned to a commit: a tag can be moved to other code.
func TestWorkflows(t *testing.T) {
	t.Parallel()
	names, err := fs.Glob(os.DirFS(root), ".github/workflows/*.yml")
	if err != nil || len(names) == 0 {
		t.Fatalf("%d workflows: %v", len(names), err)
	}
	for _, name := range names {
		var w struct {
			Permissions map[string]string
			Jobs        map[string]struct{ Permissions map[string]string }
		}
		text := read(t, name)
		if err := yaml.Load([]byte(text), &w); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if len(w.Permissions) != 1 || w.Permissions["contents"] != "read" {
			t.Errorf("%s: permissions %v, want contents: read alone", name, w.Permissions)
		}
		for job, j := range w.Jobs {
			if j.Permissions != nil {
				t.Errorf("%s: job %s has permissions of its own: %v", name, job, j.Permissions)
			}
		}
		for _, m := range uses.FindAllStringSubmatch(text, -1) {
			if !pinned.MatchString(m[1]) {
				t.Errorf("%s: %s is not pinned to a commit, with its version behind it", name, m[1])
			}
		}
		if strings.Contains(text, "secrets.") || strings.Contains(text, "pull_request_target") {
			t.Errorf("%s: a pull request must not reach secrets", name)
		}
	}
	if text := read(t, ".github/workflows/ci.yml"); !strings.Contains(text, "run: .ci/run\n") {
		t.Error("ci.yml does not call .ci/run")
	}
}
