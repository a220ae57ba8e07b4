# `make run` to look, `make test` before a commit, `make bench` to measure. `make help` lists all.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
SHELL := bash
.SHELLFLAGS := -euo pipefail -c

HOST := 127.0.0.1
PORT := 5001
# `make run PROFILE=dev` builds sooner and runs slower.
PROFILE := release
# `make bench MODE=full` takes the published sizes.
MODE := quick

TARGET := $(or $(CARGO_TARGET_DIR),target)
BINARY := $(TARGET)/$(if $(filter dev,$(PROFILE)),debug,$(PROFILE))/modelyard
UI_SOURCES := $(shell find ui-src -path '*/node_modules' -prune -o -path ui-src/dist -prune -o -type f -print)

.PHONY: help
help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

.PHONY: run
run: build ## Set up, build and start Modelyard with its web UI (HOST, PORT, PROFILE)
	@scripts/welcome.sh "http://$(HOST):$(PORT)"
	@exec "$(BINARY)" server --host "$(HOST)" --port "$(PORT)"

.PHONY: build
build: ui-src/dist/index.html ## Set up and build the binary with the web UI in it (PROFILE)
	cargo build --workspace --bin modelyard --profile "$(PROFILE)"

.PHONY: ui
ui: ui-src/dist/index.html ## Set up and build the web UI

ui-src/dist/index.html: $(UI_SOURCES)
	@scripts/setup.sh packages ui
	cd ui-src && npm run --silent build
	@touch $@

.PHONY: test
test: ## Set up and pass every test
	@scripts/test.sh

.PHONY: unit
unit: ## The Rust tests alone, without the suites that need Python or a browser
	@scripts/test.sh rust

.PHONY: lint
lint: ## Formatting, clippy, documentation, the UI's types
	@scripts/test.sh lint

.PHONY: test-golden
test-golden: ## Compare the native engine with all versions of the models' libraries (needs uv)
	@scripts/golden.sh

.PHONY: fmt
fmt: ## Format the Rust sources
	cargo fmt --all

.PHONY: deny
deny: ## Check licences, bans and sources of all dependencies (needs cargo-deny)
	cargo deny check bans licenses sources

.PHONY: bench
bench: ## Measure beside MLflow and FastTrackML (MODE=quick or full)
	@bench/run.sh "$(MODE)"

.PHONY: clean
clean: ## Remove what was built; the Python environments under .venvs stay
	cargo clean
	rm -rf ui-src/dist .make/logs
