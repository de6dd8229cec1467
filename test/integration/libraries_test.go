package integration_test

import (
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// imageLibraries are the libraries of gcr.io/distroless/cc-debian12 that a program may
// need, from the Debian packages libc6 2.36, libstdc++6 and libgcc-s1 12.2.
var imageLibraries = []string{
	"ld-linux-aarch64.so.1", "ld-linux-x86-64.so.2", "libc.so.6", "libdl.so.2", "libgcc_s.so.1", "libm.so.6", "libpthread.so.0", "libresolv.so.2",
	"librt.so.1", "libstdc++.so.6",
}

// imageVersions are the newest symbol versions of the libraries.
var imageVersions = map[string]string{"GLIBC": "2.36", "GLIBCXX": "3.4.30", "CXXABI": "1.3.13", "GCC": "12.0.0"}

// The images contain every library and symbol version that the programs need. The loader
// would refuse to start a program otherwise, on the first pod of a rollout.
func TestImagesContainTheLibraries(t *testing.T) {
	t.Parallel()
	dockerfile, err := os.ReadFile("../../Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	for _, base := range []string{"FROM golang:1.26-bookworm AS build", "/static-debian12:nonroot AS ingest", "/cc-debian12:nonroot AS worker"} {
		if !strings.Contains(string(dockerfile), base) {
			t.Errorf("the Dockerfile lacks %q: change the lists of this test as well", base)
		}
	}
	dir := buildPrograms(t)
	if libraries, _ := needs(t, filepath.Join(dir, "ingest")); libraries != nil {
		t.Errorf("ingest needs %q, and its image contains no library", libraries)
	}
	for _, name := range []string{"worker", "cioctl"} {
		libraries, versions := needs(t, filepath.Join(dir, name))
		for _, l := range libraries {
			if !slices.Contains(imageLibraries, l) {
				t.Errorf("%s needs %s", name, l)
			}
		}
		if len(versions) == 0 {
			t.Errorf("%s needs no symbol version: the test proves nothing", name)
		}
		for _, v := range versions {
			if !inImage(v) && !newerHost() {
				t.Errorf("%s needs the symbol version %s", name, v)
			}
		}
	}
}

// needs returns the libraries and the symbol versions that the loader must find.
func needs(t *testing.T, path string) (libraries, versions []string) {
	t.Helper()
	f, err := elf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if f.SectionByType(elf.SHT_DYNAMIC) == nil {
		return nil, nil
	}
	if libraries, err = f.ImportedLibraries(); err != nil {
		t.Fatal(err)
	}
	all, err := f.DynamicVersionNeeds()
	if err != nil {
		t.Fatal(err)
	}
	for _, library := range all {
		for _, v := range library.Needs {
			versions = append(versions, v.Dep)
		}
	}
	return libraries, versions
}

// inImage reports whether the image has a symbol version such as GLIBC_2.34.
func inImage(version string) bool {
	name, number, _ := strings.Cut(version, "_")
	newest, known := imageVersions[name]
	return known && slices.Compare(numbers(number), numbers(newest)) <= 0
}

func numbers(version string) (list []int) {
	for part := range strings.SplitSeq(version, ".") {
		n, err := strconv.Atoi(part)
		if err != nil {
			n = 1 << 30 // GLIBC_PRIVATE, for example: in no image for sure
		}
		list = append(list, n)
	}
	return list
}

// newerHost reports whether this machine has a newer C library than the image of the
// build. The programs of this machine then say nothing about symbol versions.
func newerHost() bool {
	out, err := exec.Command("getconf", "GNU_LIBC_VERSION").Output()
	host := strings.TrimPrefix(strings.TrimSpace(string(out)), "glibc ")
	return err != nil || !inImage("GLIBC_"+host)
}

func TestNewerVersionsAreFound(t *testing.T) {
	t.Parallel()
	for version, want := range map[string]bool{
		"GLIBC_2.36": true, "GLIBC_2.2.5": true, "GLIBC_2.38": false, "GLIBC_PRIVATE": false, "GLIBC_2.36.1": false,
		"GLIBCXX_3.4.30": true, "GLIBCXX_3.4.31": false, "GOMP_4.0": false,
	} {
		if got := inImage(version); got != want {
			t.Errorf("inImage(%s) = %t", version, got)
		}
	}
}

// The kind of fault: DuckDB's bindings export 60,000 symbols. The loader reads all of them
// at each start, which takes 10 MiB of resident memory.
func TestProgramsExportNothing(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"worker", "cioctl"} {
		f, err := elf.Open(filepath.Join(buildPrograms(t), name))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		symbols, err := f.DynamicSymbols()
		if err != nil || len(symbols) == 0 || len(symbols) > 2000 {
			t.Errorf("%s has %d dynamic symbols, %v; want those of the libraries only", name, len(symbols), err)
		}
	}
}
