package manifests_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestImagesKnowTheirVersion builds a program from what .dockerignore lets into the build,
// with the command of the Dockerfile that restores the rest. The program has the commit of
// the checkout, and counts as unchanged.
func TestImagesKnowTheirVersion(t *testing.T) {
	t.Parallel()
	checkout := t.TempDir()
	for name, text := range map[string]string{
		"go.mod": "module example.com/x\n\ngo 1.24\n", "go.sum": "", "README.md": "not in the build", "docs/a b.md": "nor this",
		"cmd/x/main.go": "package main\n\nfunc main() {}\n", "internal/a": "", "pkg/a": "",
	} {
		path := filepath.Join(checkout, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	shell(t, checkout, "git init -q && git add . && git -c user.name=a -c user.email=a@b commit -qm a && git tag v1.2.3")
	dir := t.TempDir()
	for line := range strings.Lines(read(t, ".dockerignore")) {
		switch line = strings.TrimSpace(line); {
		case strings.HasPrefix(line, "!"):
			shell(t, dir, "cp -r "+filepath.Join(checkout, line[1:])+" .")
		case line != "*" && line != "" && line[0] != '#':
			shell(t, dir, "rm -r "+line)
		}
	}
	dockerfile := read(t, "Dockerfile")
	restore := regexp.MustCompile(`(?m)^RUN (git .*)$`).FindStringSubmatch(dockerfile)
	builds := regexp.MustCompile(`go build .*`).FindAllString(dockerfile, -1)
	if restore == nil || len(builds) != 2 {
		t.Fatalf("the Dockerfile restores with %q and builds with %q", restore, builds)
	}
	shell(t, dir, restore[1])
	for _, build := range builds {
		flags, _, _ := strings.Cut(build, " -o ")
		info := shell(t, dir, flags+" -o out ./cmd/x && go version -m out && rm out")
		for _, want := range []string{"\tv1.2.3\t", "vcs.modified=false"} {
			if !strings.Contains(info, want) {
				t.Errorf("%s: the program lacks %q:\n%s", build, want, info)
			}
		}
	}
}

// shell runs a command in a folder and returns its output. The command is not influenced
// by the configuration of git or of another workspace.
func shell(t *testing.T, dir, command string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "sh", "-c", command)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null", "GOFLAGS=", "GOWORK=off")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", command, err, out)
	}
	return string(out)
}
