#!/usr/bin/env bash
# Builds the archives of a release into a folder, from the checkout as it is. The same
# commit gives the same bytes: no path of this machine, no time but the commit's.
#
# usage: deploy/dist/dist.sh FOLDER
set -euo pipefail
cd "$(dirname "$0")/../.."
out=$(realpath -m "${1:?folder for the archives}")

CYCLONEDX_GOMOD=v1.10.0
export SOURCE_DATE_EPOCH=$(git log -1 --format=%ct) TZ=UTC LC_ALL=C
version=$(git describe --tags --always --dirty)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
host=$(go env GOHOSTARCH)

say() { printf '%s\n' "$*" >&2; }

# build ARCH DIR PROGRAM...
build() {
  local arch=$1 dir=$2
  shift 2
  GOARCH=$arch go build -buildvcs=true -trimpath -ldflags '-s -w -buildid=' -o "$dir/" "${@/#/./cmd/}"
}

# compiler ARCH prints the C compiler for DuckDB, which worker and cioctl contain.
compiler() {
  local triple
  if [ "$1" = "$host" ]; then
    echo gcc
    return
  fi
  case $1 in
    arm64) triple=aarch64-linux-gnu ;;
    amd64) triple=x86_64-linux-gnu ;;
  esac
  command -v "$triple-g++" >/dev/null && echo "$triple-gcc"
}

# archive NAME puts the folder of that name into one archive.
archive() {
  tar --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner --mode='u+rwX,go+rX,go-w' \
    -C "$work" -cf - "$1" | gzip -9n > "$out/$1.tar.gz"
  say "  $1.tar.gz  $(du -h "$out/$1.tar.gz" | cut -f1)"
}

# sbom FILE PROGRAM lists the modules of a program as CycloneDX.
sbom() {
  GOFLAGS=-mod=mod go run "github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@$CYCLONEDX_GOMOD" bin \
    -json -std -noserial -notimestamp -version "$version" -output "$1" "$2"
}

rm -rf "$out"
mkdir -p "$out" "$work/host"
say "cioevents $version into $out"
build "$host" "$work/host" cioctl
if ! go version -m "$work/host/cioctl" | grep -q vcs.revision; then
  say "go did not find the commit of this checkout, which a release must show: use a clone, not a worktree or an export"
  exit 1
fi
mkdir -p "$work/extra/man" "$work/extra/completions"
"$work/host/cioctl" man "$work/extra/man"
for shell in bash fish zsh; do
  "$work/host/cioctl" completion "$shell" > "$work/extra/completions/cioctl.$shell"
done

for arch in amd64 arm64; do
  name=cioevents-${version}-linux-$arch
  dir=$work/$name
  mkdir -p "$dir"
  CGO_ENABLED=0 build "$arch" "$dir" ingest
  sbom "$out/ingest-${version}-linux-$arch.cdx.json" "$dir/ingest"
  if cc=$(compiler "$arch"); then
    CGO_ENABLED=1 CC=$cc CXX=${cc%gcc}g++ build "$arch" "$dir" worker cioctl
    sbom "$out/worker-${version}-linux-$arch.cdx.json" "$dir/worker"
    sbom "$out/cioctl-${version}-linux-$arch.cdx.json" "$dir/cioctl"
    cp -r "$work/extra/man" "$work/extra/completions" "$dir/"
  else
    say "  no C++ compiler for $arch (Debian: g++-aarch64-linux-gnu): its archive has ingest alone"
  fi
  cp LICENSE README.md CHANGELOG.md "$dir/"
  archive "$name"
done
(cd "$out" && sha256sum -- *.tar.gz *.json > SHA256SUMS)
say "  SHA256SUMS"
