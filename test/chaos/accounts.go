package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Users of the NATS cluster. The users of the programs have the programs' names.
const (
	operator = "operator"
	system   = "system" // may remove a server from the cluster
)

// account is the name of the account in deploy/.
const account = "CIOEVENTS"

// accounts is the configuration of users and permissions that the NATS servers read:
// the file of deploy/ with passwords, with limits of the account, and with a user of
// the system account.
type accounts struct {
	path      string
	deployed  string // the file of deploy/
	passwords map[string]string
	limits    string
}

// unlimited are the limits of the account in deploy/.
const unlimited = "enabled"

// newAccounts writes the file into dir.
func newAccounts(ctx context.Context, dir string) (*accounts, error) {
	root, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		return nil, fmt.Errorf("find the module: %w", err)
	}
	text, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(root)), "deploy", "k8s", "base", "nats", "accounts.conf"))
	if err != nil {
		return nil, err
	}
	a := &accounts{path: filepath.Join(dir, "accounts.conf"), deployed: string(text), limits: unlimited, passwords: map[string]string{}}
	for _, user := range []string{"ingest", "worker", operator, system} {
		a.passwords[user] = user + "-1"
	}
	err = a.write()
	return a, err
}

// write replaces the file. The servers read the file at their start and after SIGHUP.
func (a *accounts) write() error {
	var b strings.Builder
	for user, password := range a.passwords {
		if user != system {
			fmt.Fprintf(&b, "NATS_%s_PASSWORD: %q\n", strings.ToUpper(user), password)
		}
	}
	b.WriteString("system_account: SYS\n")
	sys := fmt.Sprintf("accounts {\n  SYS { users: [{ user: %s, password: %q }] }", system, a.passwords[system])
	b.WriteString(strings.NewReplacer("accounts {", sys, "jetstream: "+unlimited, "jetstream: "+a.limits).Replace(a.deployed))
	next := a.path + ".new"
	if err := os.WriteFile(next, []byte(b.String()), 0o600); err != nil {
		return err
	}
	return os.Rename(next, a.path) // A server that starts now reads either file.
}
