package manifests_test

import (
	"bytes"
	"errors"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

// TestOldKubectlBuildsTheSame: docs/production.md admits kubectl 1.32, which contains
// kustomize 5.5.0. Kustomize 5.5.0 panics on several deletions in one patch file.
func TestOldKubectlBuildsTheSame(t *testing.T) {
	t.Parallel()
	old := filepath.Join(t.TempDir(), "kustomize550")
	shell(t, "kustomize550", "go build -o "+old+" .")
	root := manifestsOnDisk(t)
	for _, dir := range append([]string{"base"}, overlays(t, root)...) {
		t.Run(dir, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(root, dir)
			got, want := objectsByOld(t, old, path), objectsByNew(t, path)
			for name := range got {
				if text, other := difference(got[name], want[name]); text != other {
					t.Errorf("%s: kustomize 5.5.0 builds …%s…\nand the newest …%s…", name, text, other)
				}
			}
			if !maps.EqualFunc(got, want, func(_, _ string) bool { return true }) {
				t.Errorf("kustomize 5.5.0 builds %q\nand the newest %q", slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want)))
			}
		})
	}
}

// manifestsOnDisk returns a copy of deploy/k8s with the overlay of docs/production.md.
func manifestsOnDisk(t *testing.T) string {
	t.Helper()
	root := t.TempDir()
	if err := os.CopyFS(root, os.DirFS("../../deploy/k8s")); err != nil {
		t.Fatal(err)
	}
	acme := filepath.Join(root, "overlays", "acme")
	if err := os.Mkdir(acme, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(acme, "kustomization.yaml"), documentedOverlay(t), 0o600); err != nil {
		t.Fatal(err)
	}
	return root
}

func overlays(t *testing.T, root string) (dirs []string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(root, "overlays"))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		dirs = append(dirs, "overlays/"+e.Name())
	}
	return dirs
}

func objectsByNew(t *testing.T, dir string) map[string]string {
	t.Helper()
	objects, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), dir)
	if err != nil {
		t.Fatal(err)
	}
	text, err := objects.AsYaml()
	if err != nil {
		t.Fatal(err)
	}
	return objectsIn(t, text)
}

func objectsByOld(t *testing.T, program, dir string) map[string]string {
	t.Helper()
	var stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), program, dir)
	cmd.Stderr = &stderr
	text, err := cmd.Output()
	if err != nil {
		message, _, _ := strings.Cut(stderr.String(), "\ngoroutine ")
		t.Fatalf("kustomize 5.5.0 fails: %v\n%s", err, message)
	}
	return objectsIn(t, text)
}

// objectsIn returns each YAML document as JSON with sorted keys, by kind and name.
func objectsIn(t *testing.T, text []byte) map[string]string {
	t.Helper()
	objects := map[string]string{}
	for _, document := range bytes.Split(text, []byte("\n---\n")) {
		var id metav1.PartialObjectMetadata
		object, err := yaml.YAMLToJSON(document)
		if err := errors.Join(err, yaml.Unmarshal(document, &id)); err != nil {
			t.Fatal(err)
		}
		objects[id.Kind+" "+id.Name] = string(object)
	}
	return objects
}

// difference returns the surroundings of the first byte in which two texts differ.
func difference(a, b string) (string, string) {
	n := min(len(a), len(b))
	i := 0
	for i < n && a[i] == b[i] {
		i++
	}
	around := func(text string) string { return text[max(i-150, 0):min(i+50, len(text))] }
	return around(a), around(b)
}
