package main

import (
	"fmt"
	"os"
	"slices"
	"strings"
)

// confined returns an error unless the kernel says that the process of a running container
// is not root, has no capabilities and no way to new privileges, and a read-only root.
func (c *container) confined() error {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", c.pid))
	if err != nil {
		return err
	}
	mounts, err := os.ReadFile(fmt.Sprintf("/proc/%d/mounts", c.pid))
	if err != nil {
		return err
	}
	return confinement(c.name, string(status), string(mounts))
}

func confinement(name, status, mounts string) error {
	for line := range strings.Lines(status) {
		key, rest, _ := strings.Cut(line, ":")
		value, _, _ := strings.Cut(strings.TrimSpace(rest), "\t")
		wrong := false
		switch key {
		case "Uid", "Gid":
			wrong = value == "0"
		case "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb":
			wrong = strings.Trim(value, "0") != ""
		case "NoNewPrivs":
			wrong = value != "1"
		}
		if wrong {
			return fmt.Errorf("%s runs with %s", name, strings.TrimSpace(line))
		}
	}
	for line := range strings.Lines(mounts) {
		if f := strings.Fields(line); len(f) > 3 && f[1] == "/" && slices.Contains(strings.Split(f[3], ","), "ro") {
			return nil
		}
	}
	return fmt.Errorf("%s can write to its root", name)
}
