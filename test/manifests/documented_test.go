package manifests_test

import (
	"io/fs"
	"os"
	"path"
	"regexp"
	"strings"
	"testing"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// TestDocumentedOverlay builds the overlay that docs/production.md gives, on top
// of the one for production: its patches reach what they mean, nothing of ours is
// left for the reader to find, and the trial touches no profile.
func TestDocumentedOverlay(t *testing.T) {
	t.Parallel()
	files := manifestsInMemory(t)
	if err := files.WriteFile("overlays/acme/kustomization.yaml", documentedOverlay(t)); err != nil {
		t.Fatal(err)
	}
	objects, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(files, "overlays/acme")
	if err != nil {
		t.Fatal(err)
	}
	text, err := objects.AsYaml()
	if err != nil {
		t.Fatal(err)
	}
	if left := regexp.MustCompile(`.*(example\.com|my-project|PROJECT).*`).FindAllString(string(text), -1); left != nil {
		t.Errorf("left: %q", left)
	}
	trial := map[string]string{"EFFECTS_DRY_RUN": "true", "SUPPRESSION_MODE": "off"}
	for name, value := range trial {
		set := regexp.MustCompile(`- name: `+name+`\n +value: "?`+value+`"?\n`).FindAllString(string(text), -1)
		if len(set) != 2 || strings.Count(string(text), "name: "+name+"\n") != 2 {
			t.Errorf("%s is %s in %d of 2 workers, and set %d times", name, value, len(set), strings.Count(string(text), "name: "+name+"\n"))
		}
	}
}

// documentedOverlay is the kustomization that docs/production.md gives.
func documentedOverlay(t *testing.T) []byte {
	t.Helper()
	overlay := regexp.MustCompile("(?s)```yaml\n(apiVersion.*?)```").FindStringSubmatch(read(t, "docs/production.md"))
	if overlay == nil {
		t.Fatal("docs/production.md has no overlay")
	}
	return []byte(strings.ReplaceAll(overlay[1], "VERSION", "1"))
}

// manifestsInMemory is a copy of deploy/k8s that can be added to.
func manifestsInMemory(t *testing.T) filesys.FileSystem {
	t.Helper()
	files, err := copyManifests()
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func copyManifests() (filesys.FileSystem, error) {
	files := filesys.MakeFsInMemory()
	source := os.DirFS("../../deploy/k8s")
	return files, fs.WalkDir(source, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := fs.ReadFile(source, name)
		if err != nil {
			return err
		}
		if err := files.MkdirAll(path.Dir(name)); err != nil {
			return err
		}
		return files.WriteFile(name, text)
	})
}
