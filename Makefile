# Everything that is done with Slipway's source. `make` alone explains the targets.

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
# The time zones go into the binary, so that it runs where the system has none.
BUILD := CGO_ENABLED=0 go build -trimpath -tags timetzdata -ldflags '-s -w -X main.version=$(VERSION)'
IMAGE ?= slipway:$(VERSION)
TOOLS := .tools/bin
# With the race detector comes a check of every use of a pointer. SQLite is C made into
# Go: it would spend most of the tests' time there.
TEST := go test -race -gcflags=modernc.org/...=-d=checkptr=0 -count=1

.DEFAULT_GOAL := help
.PHONY: help run demo build test check lint fmt golden bench db image

help: ## explain the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: export SLIPWAY_WORKFLOWS_DIR ?= deploy/examples/workflows
run: ## start Slipway with nothing to set up; the console's address is printed
	go run ./cmd/slipway

demo: ## play a whole release by itself, each step printed
	go run ./cmd/slipway demo

build: ## build the static binary bin/slipway
	$(BUILD) -o bin/slipway ./cmd/slipway

test: ## run all tests with the race detector; installs and starts what they need
	deploy/dev/install services browser sdk
	$(TEST) -timeout 20m $$(go list ./... | grep -v '/cmd/slipway$$')
	$(TEST) -timeout 30m ./cmd/slipway # by itself: there the program has to answer chats in time

check: lint test ## all that continuous integration asks: lint, then test

lint: ## check form, direction of imports and likely mistakes
	deploy/dev/install lint
	@unformatted=$$($(TOOLS)/gofumpt -l .) && if [ -n "$$unformatted" ]; then \
		printf 'not formatted, run make fmt:\n%s\n' "$$unformatted"; exit 1; fi
	go vet ./...
	$(TOOLS)/golangci-lint run --allow-parallel-runners

fmt: ## format the source
	deploy/dev/install lint
	$(TOOLS)/golangci-lint fmt

golden: ## rewrite the expected output that tests compare with; look at the difference before you commit it
	deploy/dev/install services
	SLIPWAY_UPDATE_GOLDEN=1 go test -count=1 -run Golden ./bot # first: the chats draw what it writes
	SLIPWAY_UPDATE_GOLDEN=1 go test -count=1 -run Golden ./...

bench: ## measure speed, embedded and on PostgreSQL with Redis
	deploy/dev/install services
	go test -run '^$$' -bench . -benchmem ./...
	go run ./deploy/bench

db: ## run PostgreSQL and Redis for development until Ctrl-C
	deploy/dev/install services
	go run ./deploy/dev/services

image: ## build the container image slipway:VERSION
	@docker info >/dev/null 2>&1 || { echo 'make image needs a running Docker engine, and none answers'; exit 1; }
	docker build --file deploy/Dockerfile --build-arg VERSION=$(VERSION) --tag $(IMAGE) .
