# docker build --target ingest .    static, nothing in it but the program
# docker build --target worker .    with DuckDB, which needs libstdc++; and cioctl
#
# The last two stages are for docker-compose.yml.
FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN --mount=type=cache,target=/go/pkg/mod go mod download
COPY . .
RUN --mount=type=cache,target=/go/pkg/mod --mount=type=cache,target=/root/.cache/go-build \
    CGO_ENABLED=0 go build -trimpath -ldflags "-s -w" -o /out/ingest ./cmd/ingest \
 && go build -trimpath -ldflags "-s -w" -o /out/ ./cmd/worker ./cmd/cioctl \
 && mkdir /data

FROM gcr.io/distroless/static-debian12:nonroot AS ingest
COPY --from=build /out/ingest /ingest
EXPOSE 8080 9090
ENTRYPOINT ["/ingest"]

FROM gcr.io/distroless/cc-debian12:nonroot AS worker
COPY --from=build /out/worker /out/cioctl /
# A new named volume takes this owner.
COPY --from=build --chown=65532:65532 /data /data
EXPOSE 9090
ENTRYPOINT ["/worker"]

# Compose asks a container for its health from within, where distroless images
# have nothing to ask with. Kubernetes asks from outside, and its images stay
# without a shell.
FROM ingest AS ingest-compose
COPY --from=busybox:1.37-musl /bin/busybox /busybox

FROM worker AS worker-compose
COPY --from=busybox:1.37-musl /bin/busybox /busybox

# As a user of its own, which can write to a new named volume.
FROM nats:2.15.2-alpine AS nats-compose
COPY --from=build --chown=1000:1000 /data /data
USER 1000:1000
