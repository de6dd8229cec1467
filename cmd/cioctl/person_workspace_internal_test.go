package main

import (
	"strings"
	"testing"
)

// With several workspaces the operator names one. A guess would answer a request for access
// with "no data", and a request for erasure with a clean receipt.
func TestPersonNeedsAWorkspace(t *testing.T) {
	t.Parallel()
	s := newPersonShell(t) // the stream has events of acme
	for _, tt := range []struct{ name, setting, workspace, want string }{
		{"none of several", "acme,globex", "", `invalid --workspace "": want acme or globex`},
		{"an unknown one", "acme,globex", "nosuch", `invalid --workspace "nosuch": want acme or globex; for a workspace that the stream no longer has, add its name to CUSTOMERIO_WORKSPACES`},
		{"an unknown one beside a removed one", "globex", "nosuch", `invalid --workspace "nosuch": want acme or globex;`},
		{"none without the setting", "", "", `invalid --workspace "": want acme or default`},
		{"an unknown one without the setting", "", "nosuch", `invalid --workspace "nosuch": want acme or default;`},
	} {
		s.env["CUSTOMERIO_WORKSPACES"] = tt.setting
		for _, command := range []string{"find", "export", "erase", "erase --yes", "forget-erasure"} {
			args := append(append([]string{"person"}, strings.Fields(command)...), "--id", "jo-42")
			if tt.workspace != "" {
				args = append(args, "--workspace", tt.workspace)
			}
			out, errs, code := s.run(args...)
			if code != 2 || out != "" || !strings.Contains(errs, tt.want) {
				t.Errorf("%s: %s: code %d, want %q in\n%s%s", tt.name, command, code, tt.want, out, errs)
			}
		}
	}
	if list := s.ok("person", "list-erased"); list != "nobody was erased\n" {
		t.Errorf("a refused erasure has marked\n%s", list)
	}
	s.asked = map[string]bool{}
	for _, tt := range []struct{ name, setting, workspace string }{
		{"the only one", "acme", ""},
		{"one of several", "acme,globex", "acme"},
		{"a removed one with events in the stream", "globex,initech", "acme"},
		{"one in the stream without the setting", "", "acme"},
	} {
		s.env["CUSTOMERIO_WORKSPACES"] = tt.setting
		args := []string{"person", "find", "--id", "jo-42"}
		if tt.workspace != "" {
			args = append(args, "--workspace", tt.workspace)
		}
		if got := read[[]personFound](s, args...); got[0].Workspace != "acme" || got[0].Stores[0].Events != 2 {
			t.Errorf("%s: %+v", tt.name, got)
		}
	}
	for name := range s.asked {
		if strings.HasPrefix(name, "CUSTOMERIO_") && name != "CUSTOMERIO_WORKSPACES" {
			t.Errorf("find reads %s, which it does not use", name)
		}
	}
}

// After the erasure of its last person, the stream has no event of a removed workspace. The
// list of erased persons still knows the workspace: the erasure can go on, and be forgotten.
func TestPersonOfARemovedWorkspace(t *testing.T) {
	t.Parallel()
	s := newPersonShell(t)
	s.env["CUSTOMERIO_WORKSPACES"] = "globex"
	for _, id := range []string{"jo-42", "ann-43"} {
		s.ok("person", "erase", "--workspace", "acme", "--id", id, "--yes")
	}
	if s.messages() != 0 {
		t.Fatalf("%d messages are left", s.messages())
	}
	s.ok("person", "erase", "--workspace", "acme", "--id", "jo-42", "--yes")
	s.ok("person", "forget-erasure", "--workspace", "acme", "--id", "jo-42", "--yes")
}

// An answer without a single event may be a slip of the pen. The command says so in words.
func TestPersonWithoutEvents(t *testing.T) {
	t.Parallel()
	s := newPersonShell(t)
	s.env["CUSTOMERIO_WORKSPACES"] = "acme,globex"
	const want = "No event of workspace globex has one of the identifiers: check --workspace and the spelling."
	for _, command := range []string{"find", "export", "erase", "erase --yes"} {
		args := append(append([]string{"person"}, strings.Fields(command)...), "--workspace", "globex", "--id", "jo-42")
		if _, errs, code := s.run(args...); code != 0 || !strings.Contains(errs, want) || strings.Contains(errs, "jo-42") {
			t.Errorf("%s: code %d, want %q in\n%s", command, code, want, errs)
		}
	}
	if _, errs, code := s.run("person", "find", "--workspace", "acme", "--id", "jo-42"); code != 0 || strings.Contains(errs, "No event") {
		t.Errorf("somebody with events: code %d\n%s", code, errs)
	}
	if _, errs, code := s.runIn(t.Context(), strings.NewReader("id=jo-42\nid=nobody\n"), "person", "find", "--workspace", "acme", "--file", "-"); code != 0 || !strings.Contains(errs, "No event of workspace acme has one of the identifiers of person 2: check") {
		t.Errorf("the second of two persons: code %d\n%s", code, errs)
	}
}
