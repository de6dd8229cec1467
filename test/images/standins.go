package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// golang is Debian with a compiler and the Go of this machine. GOTOOLCHAIN is that of the
// real image.
func (b *builder) golang(ctx context.Context, root string) ([]string, error) {
	debian, err := b.debian(ctx)
	if err != nil {
		return nil, err
	}
	goroot, err := output(ctx, "go", "env", "GOROOT")
	if err != nil {
		return nil, err
	}
	if err := do(ctx, "cp", "-a", "--one-file-system", debian+"/.", root); err != nil {
		return nil, err
	}
	return []string{
		"--env", "PATH=/usr/local/go/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "--env", "GOPATH=/go", "--env", "GOTOOLCHAIN=local",
	}, do(ctx, "cp", "-a", goroot, filepath.Join(root, "usr", "local", "go"))
}

// static has what gcr.io/distroless/static-debian12 has: certificates, time zones, and the
// user nonroot.
func (b *builder) static(ctx context.Context, root string) ([]string, error) {
	if err := b.install(ctx, root, "base-files", "netbase", "tzdata"); err != nil {
		return nil, err
	}
	const nonroot = "root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n"
	if err := write(root, "etc/passwd", nonroot, 0o644); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Join(root, "tmp"), 0o777); err != nil { //nolint:gosec // as everywhere
		return nil, err
	}
	const certificates = "etc/ssl/certs/ca-certificates.crt"
	list, err := os.ReadFile(filepath.Join(b.root, certificates))
	if err != nil {
		return nil, err
	}
	return []string{
		"--user", "65532", "--workingdir", "/home/nonroot", "--env", "SSL_CERT_FILE=/" + certificates,
		"--env", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
	}, write(root, certificates, string(list), 0o644)
}

// cc has the libraries of gcr.io/distroless/cc-debian12 as well.
func (b *builder) cc(ctx context.Context, root string) ([]string, error) {
	settings, err := b.static(ctx, root)
	if err != nil {
		return nil, err
	}
	return settings, b.install(ctx, root, "libc6", "libssl3", "libgcc-s1", "libgomp1", "libstdc++6")
}

// busybox is a program for all commands.
func (b *builder) busybox(ctx context.Context, root string) ([]string, error) {
	debian, err := b.debian(ctx)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Join(root, "bin"), 0o755); err != nil { //nolint:gosec // a root that others must read
		return nil, err
	}
	return nil, do(ctx, "cp", filepath.Join(debian, "bin", "busybox"), filepath.Join(root, "bin", "busybox"))
}

// natsEntrypoint does what docker-entrypoint.sh of github.com/nats-io/nats-docker does.
const natsEntrypoint = "#!/bin/sh\nset -e\nif [ \"${1#-}\" != \"$1\" ]; then set -- nats-server \"$@\"; fi\nexec \"$@\"\n"

// nats is the server of go.mod, which must have the version of the tag, such as
// 2.15.2-alpine.
func (b *builder) nats(ctx context.Context, root, tag string) ([]string, error) {
	if _, err := b.busybox(ctx, root); err != nil {
		return nil, err
	}
	for name := range strings.FieldsSeq("sh wget nc grep kill") {
		if err := os.Symlink("busybox", filepath.Join(root, "bin", name)); err != nil {
			return nil, err
		}
	}
	server := filepath.Join(root, "usr", "local", "bin", "nats-server")
	if err := do(ctx, "env", "CGO_ENABLED=0", "go", "build", "-C", b.source, "-o", server, "github.com/nats-io/nats-server/v2"); err != nil {
		return nil, err
	}
	version, _, _ := strings.Cut(tag, "-")
	if got, err := output(ctx, server, "--version"); err != nil || got != "nats-server: v"+version {
		return nil, fmt.Errorf("go.mod has %s, the Dockerfile %s: %w", got, tag, err)
	}
	return []string{"--entrypoint", `["/docker-entrypoint.sh"]`, "--cmd", "nats-server", "--env", "PATH=/usr/local/bin:/bin"},
		write(root, "docker-entrypoint.sh", natsEntrypoint, 0o755)
}

// install copies the files of Debian packages, without their documents.
func (b *builder) install(ctx context.Context, root string, names ...string) error {
	debian, err := b.debian(ctx)
	if err != nil {
		return err
	}
	archive := filepath.Join(b.dir, "packages.tar")
	args := []string{"-C", debian, "--create", "--file", archive}
	for _, name := range names {
		list, err := files(debian, name)
		if err != nil {
			return err
		}
		args = append(args, list...)
	}
	if err := do(ctx, "tar", args...); err != nil {
		return err
	}
	return do(ctx, "tar", "-C", root, "--extract", "--file", archive)
}

// files returns the files and links of an installed package, with paths such as ./bin/sh.
func files(debian, name string) (list []string, err error) {
	found, err := filepath.Glob(filepath.Join(debian, "var", "lib", "dpkg", "info", name+"[.:]*list"))
	if err != nil || len(found) != 1 {
		return nil, fmt.Errorf("the files of the package %s are in %q: %w", name, found, err)
	}
	text, err := os.ReadFile(found[0])
	if err != nil {
		return nil, err
	}
	for path := range strings.FieldsSeq(string(text)) {
		// A link to a folder, such as /lib, is a folder in the real images.
		if info, err := os.Stat(filepath.Join(debian, path)); (err != nil || !info.IsDir()) && !strings.HasPrefix(path, "/usr/share/doc") {
			list = append(list, "."+path)
		}
	}
	return list, nil
}

func write(root, name, text string, mode os.FileMode) error {
	path := filepath.Join(root, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // a root that others must read
		return err
	}
	return os.WriteFile(path, []byte(text), mode) //nolint:gosec // root is a folder of this program
}
