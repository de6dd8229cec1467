# docker build --target ingest .    the static program ingest and nothing else
# docker build --target worker .    worker, with DuckDB, which needs libstdc++
# docker build --target cioctl .    the operator's tool, with DuckDB, too
#
# The last three stages are for docker-compose.yml.
FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY . .
# .git stamps the version. A file that .dockerignore keeps out would count as a change.
RUN git ls-files -z --deleted | xargs -0 -r git checkout -q --
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    CGO_ENABLED=0 go build -buildvcs=true -trimpath -ldflags "-s -w" -o /out/ingest ./cmd/ingest \
 && go build -buildvcs=true -trimpath -ldflags "-s -w" -o /out/ ./cmd/worker ./cmd/cioctl \
 && mkdir /data

FROM gcr.io/distroless/static-debian12:nonroot AS ingest
COPY --from=build /out/ingest /ingest
EXPOSE 8080 9090
ENTRYPOINT ["/ingest"]

FROM gcr.io/distroless/cc-debian12:nonroot AS worker
COPY --from=build /out/worker /worker
# A new named volume gets the owner of this directory.
COPY --from=build --chown=65532:65532 /data /data
EXPOSE 9090
ENTRYPOINT ["/worker"]

FROM gcr.io/distroless/cc-debian12:nonroot AS cioctl
COPY --from=build /out/cioctl /cioctl
COPY --from=build --chown=65532:65532 /data /data
ENTRYPOINT ["/cioctl"]

# Compose runs a health check inside the container, but a distroless image has no
# program for the check. Kubernetes probes from outside, so its images need no shell.
FROM ingest AS ingest-compose
COPY --from=busybox:1.37-musl /bin/busybox /busybox

FROM worker AS worker-compose
COPY --from=busybox:1.37-musl /bin/busybox /busybox

# NATS runs as user 1000, which can write to a new named volume.
FROM nats:2.15.2-alpine AS nats-compose
COPY --from=build --chown=1000:1000 /data /data
USER 1000:1000
