package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// An image must contain each library that its program needs, and the libraries of those.
func TestLibraries(t *testing.T) {
	t.Parallel()
	i := &image{target: "worker", root: t.TempDir()}
	copyFile(t, "/bin/sh", filepath.Join(i.root, "worker"))
	if err := i.libraries("worker"); err == nil || !strings.Contains(err.Error(), "worker lacks the library libc.so") {
		t.Errorf("an image without libraries: %v", err)
	}
	if _, err := (&image{root: "/"}).find("libc.so.6"); err != nil {
		t.Skip("this machine has no glibc where Debian has it")
	}
	if err := (&image{target: "this machine", root: "/"}).libraries("bin/sh"); err != nil {
		t.Error(err)
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	text, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Every image has its own program and no other one, and no shell that it does not need.
func TestContents(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		target, files, mistake string
	}{
		{"nats-compose", "bin/sh", ""},
		{"nats-compose", "", "nats-compose: /bin/sh is there: false"},
		{"worker", "cioctl", "worker: /cioctl is there: true"},
		{"worker", "bin/sh", "worker: /bin/sh is there: true"},
		{"worker-compose", "", "worker-compose: /busybox is there: false"},
		{"worker-compose", "busybox", "worker-compose: /worker is there: false"},
	} {
		i := &image{target: c.target, root: t.TempDir()}
		for file := range strings.FieldsSeq(c.files) {
			if err := write(i.root, file, "", 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := i.check(); (err == nil) != (c.mistake == "") || err != nil && !strings.Contains(err.Error(), c.mistake) {
			t.Errorf("%s with %q: %v, want %q", c.target, c.files, err, c.mistake)
		}
	}
}

// Several names of a file are one file.
func TestSize(t *testing.T) {
	t.Parallel()
	i := &image{root: t.TempDir()}
	if err := write(i.root, "a/b", "12345", 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Link(filepath.Join(i.root, "a", "b"), filepath.Join(i.root, "c")); err != nil {
		t.Fatal(err)
	}
	if size, err := i.size(); err != nil || size != 5 {
		t.Errorf("size %d, error %v", size, err)
	}
}

func TestConfinement(t *testing.T) {
	t.Parallel()
	const status = "Name:\tworker\nUid:\t65532\t65532\t65532\t65532\nGid:\t65532\t65532\t65532\t65532\nCapEff:\t0000000000000000\nCapBnd:\t0000000000000000\nNoNewPrivs:\t1\n"
	const mounts = "overlay / overlay ro,relatime 0 0\n/dev/vda /data ext4 rw 0 0\n"
	if err := confinement("worker", status, mounts); err != nil {
		t.Error(err)
	}
	for old, bad := range map[string]string{"Uid:\t65532": "Uid:\t0", "CapBnd:\t0000000000000000": "CapBnd:\t00000000a80425fb", "NoNewPrivs:\t1": "NoNewPrivs:\t0"} {
		if err := confinement("worker", strings.Replace(status, old, bad, 1), mounts); err == nil {
			t.Errorf("%q is accepted", bad)
		}
	}
	if err := confinement("worker", status, strings.Replace(mounts, "ro,", "rw,", 1)); err == nil {
		t.Error("a writable root is accepted")
	}
}

func TestSpec(t *testing.T) {
	t.Parallel()
	text, err := order{name: "worker", root: "/r", user: "65532:65532", args: []string{"/worker"}}.spec()
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Root    struct{ Readonly bool }
		Process struct {
			User            struct{ UID, GID int }
			Capabilities    map[string][]string
			NoNewPrivileges bool
		}
	}
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if !got.Root.Readonly || got.Process.User.UID != 65532 || got.Process.User.GID != 65532 || len(got.Process.Capabilities["bounding"]) != 0 || !got.Process.NoNewPrivileges {
		t.Errorf("config.json is %s", text)
	}
	if _, err := (order{user: "nonroot"}).spec(); err == nil {
		t.Error("a user without numbers is accepted")
	}
}
