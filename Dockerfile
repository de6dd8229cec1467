FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -trimpath -ldflags "-s -w" -o /out/ingest ./cmd/ingest \
 && go build -trimpath -ldflags "-s -w" -o /out/ ./cmd/worker ./cmd/cioctl

RUN mkdir /data

FROM gcr.io/distroless/static-debian12:nonroot AS ingest
COPY --from=build /out/ingest /ingest
EXPOSE 8080 9090
ENTRYPOINT ["/ingest"]

# DuckDB needs libstdc++.
FROM gcr.io/distroless/cc-debian12:nonroot AS worker
COPY --from=build /out/worker /out/cioctl /
# A new named volume takes this owner.
COPY --from=build --chown=65532:65532 /data /data
EXPOSE 9090
ENTRYPOINT ["/worker"]
