.DEFAULT_GOAL := help
SHELL := /usr/bin/env bash -o pipefail

GOLANGCI_LINT_VERSION := v2.15.0
GOVULNCHECK_VERSION   := v1.9.0
GOLANGCI_LINT ?= go run github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_LINT_VERSION)
FUZZTIME ?= 10s

.PHONY: help
help: ## Print this message
	@awk -F ':.*## ' '/^[a-z\/-]+:.*## / { printf "  %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# go run would exit with 1 after Ctrl-C, whatever the exit code of the program is.
.PHONY: run
run: ## Run everything on this machine: NATS, ingest, worker, fake Track API, DuckDB
	go build -o bin/ ./cmd/cioctl
	exec bin/cioctl dev

.PHONY: demo
demo: ## Send a simulated campaign through the whole pipeline, check the counts, print the funnel
	go build -o bin/ ./cmd/cioctl
	exec bin/cioctl demo

.PHONY: build
build: ## Build ingest, worker and cioctl into bin/
	CGO_ENABLED=0 go build -trimpath -o bin/ ./cmd/ingest
	go build -trimpath -o bin/ ./cmd/worker ./cmd/cioctl

.PHONY: dist
dist: ## Build the archives of a release into dist/, the same bytes for the same commit
	deploy/dist/dist.sh dist

.PHONY: test
test: ## Run all tests, without network and Docker
	go test ./...

.PHONY: test/race
test/race: ## Run all tests with the race detector, in random order
	go test -race -shuffle=on ./...

.PHONY: manifests
manifests: ## Check deploy/ and docker-compose.yml: types, settings, metrics, NATS permissions
	cd test/manifests && go test -count=1 ./...

.PHONY: console
console: ## Walk through the console in Chromium, which you install; ARGS=-update writes the screenshots into docs/img
	cd test/console && go test -count=1 ./... $(ARGS)

.PHONY: examples
examples: ## Run the example consumers in Go and Node against a NATS server; needs Node.js 20
	cd examples && go vet ./... && go test -count=1 ./...

.PHONY: chaos
chaos: ## Kill and break real processes at random and check every guarantee; ARGS="--seed 1"
	go run ./test/chaos $(ARGS)

.PHONY: chaos/long
chaos/long: ## Run make chaos with the seeds 1 to 30, 80 minutes; ARGS="--seed 12 --runs 19" goes on at seed 12
	go run ./test/chaos --seed 1 --runs 30 $(ARGS)

.PHONY: upgrade
upgrade: ## Upgrade a running system from c826c92 and check that every event counts once; ARGS="--duration 10s"
	go run ./test/upgrade $(ARGS)

.PHONY: lb
lb: ## Restart and kill ingest behind nginx, HAProxy, Caddy and Varnish, which you install; ARGS="--balancers nginx"
	go run ./test/lb $(ARGS)

.PHONY: images
images: ## Build, check and run all images without a Docker engine; needs root and Debian's buildah
	go run ./test/images $(ARGS)

.PHONY: soak
soak: ## Send 5,000 events a second for 10 minutes, then a burst, then an overload; ARGS="--duration 60s"
	go run ./test/bench soak $(ARGS)

.PHONY: fuzz
fuzz: ## Fuzz each target for FUZZTIME (10s)
	@grep -rl '^func Fuzz' --include='*_test.go' . | while read -r f; do \
	  for t in $$(grep -oE '^func Fuzz[A-Za-z0-9_]*' "$$f" | cut -c6-); do \
	    go test -run='^$$' -fuzz="^$$t$$" -fuzztime=$(FUZZTIME) "$$(dirname "$$f")" || exit 1; done; done

.PHONY: sql
sql: ## Check the SQL for BigQuery with GoogleSQL; the first build takes minutes and 3 GB
	cd test/sqlcheck && go test ./...

.PHONY: bench
bench: ## Measure ingest and worker beside baselines in pairs; exit code 3 is "not judged"; ARGS="warehouses duckdb"
	go build -o bin/ ./test/bench
	bin/bench $(ARGS)

.PHONY: bench/growth
bench/growth: ## Measure writes, reports and queries while table and stream grow, half an hour; ARGS="--rows 0,5"
	go run ./test/bench growth $(ARGS)

.PHONY: docs
docs: ## Generate the tables of settings, instruments and packages, and show files in the documents
	go test ./test/docs -run '^(TestSettings|TestFiles|TestDictionary)$$' -update
	go test ./test/integration -run '^TestInstruments$$' -update
	go test ./test/arch -run '^TestTable$$' -update

.PHONY: lint
lint: ## Run the linters
	$(GOLANGCI_LINT) run ./...

.PHONY: fmt
fmt: ## Format the code
	$(GOLANGCI_LINT) fmt ./...

.PHONY: tidy
tidy: ## Fail if go.mod or go.sum would change
	go mod tidy -diff

.PHONY: vuln
vuln: ## Check dependencies for known vulnerabilities
	go run golang.org/x/vuln/cmd/govulncheck@$(GOVULNCHECK_VERSION) ./...

.PHONY: check
check: tidy lint test/race ## Run the checks for a change: tidy, lint, test/race
