# Every target makes its own set-up first; `make help` tells them all.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin

.PHONY: help install peers demo test unit chaos bench bench-full up down check docs fmt generate lock clean

help: ## Tell what each target does
	@grep -hE '^[a-z-]+:.*?## ' $(MAKEFILE_LIST) | awk -F ':.*?## ' '{printf "  \033[36mmake %-10s\033[0m %s\n", $$1, $$2}'

install: .venv/.installed ## Make .venv, with the command `saga` in it, and nothing else

.venv/.requirements: requirements/uv.txt requirements/dev.txt infra/install
	@PYTHON=$(PYTHON) infra/install
	@touch $@

# What pyproject.toml declares, as the services, is made known anew whenever it changes; nothing is asked of the network.
.venv/.installed: pyproject.toml .venv/.requirements
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

peers: .venv-peers/.installed ## Make .venv-peers, with the libraries that the benchmarks compare with

.venv-peers/.installed: requirements/peers.txt .venv/.requirements
	@rm -rf .venv-peers
	@$(BIN)/uv venv -q --python $(BIN)/python .venv-peers
	@$(BIN)/uv pip install -q --python .venv-peers/bin/python --require-hashes -r requirements/peers.txt
	@touch $@

demo: install ## Start everything, run a few dozen orders of every kind, check the books, stop
	@$(BIN)/python -m infra.demo

up: install ## Start the servers and all services, and leave them running
	@$(BIN)/python -m infra.local up

down: install ## Stop what `make up` started
	@$(BIN)/python -m infra.local down

test: install ## Run all tests: on containers where a Docker Engine answers, else on the local stack
	@$(BIN)/pytest --numprocesses=2 --dist=loadfile --no-loadscope-reorder --durations=30 --durations-min=4

unit: install ## Run the tests that need no server
	@$(BIN)/pytest tests/unit

chaos: install ## Break servers, services and connections under load for three quarters of an hour, and prove that nothing is lost
	@$(BIN)/python -m tests.fault $(CHAOS)

bench: .venv/.bench ## Measure speed against the textbook way and a limit written by hand, and write docs/performance.md: five minutes
	@$(BIN)/python -m benchmarks --only saturation,latency --rounds 3 --seconds 8 --warm-up 3 \
		--latency-rounds 1 --latency-seconds 5

bench-full: .venv/.bench peers ## Measure everything, the libraries that others use included: hours
	@$(BIN)/python -m benchmarks --contenders all

.venv/.bench: requirements/bench.txt .venv/.requirements
	@$(BIN)/uv pip install -q --python $(BIN)/python --require-hashes -r requirements/bench.txt
	@touch $@

check: install ## Format, lint, types, import rules, generated files, the choreography, the docs, known vulnerabilities
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m infra.generate --check
	@$(BIN)/saga check --schemas docs/schemas --examples tests/contract/examples
	@$(BIN)/python -m infra.site --check
	@$(BIN)/python -m infra.dependencies

docs: install ## Make the docs' site in .docs/site, and tell where to open it
	@$(BIN)/python -m infra.site

fmt: install ## Format the code and mend what the linter can mend
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

generate: install ## Make the schemas, AsyncAPI, diagrams, canvases, reference and dashboards anew from the code
	@$(BIN)/python -m infra.generate

lock: install ## Resolve the dependencies anew into requirements/
	@$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
		--upgrade pyproject.toml -o requirements/runtime.txt
	@$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
		--upgrade --group dev -c requirements/runtime.txt pyproject.toml -o requirements/dev.txt
	@echo hatchling | $(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-header -c requirements/dev.txt - -o requirements/build.txt
	@$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
		--upgrade -c requirements/runtime.txt pyproject.toml requirements/peers.in -o requirements/peers.txt
	@$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
		--upgrade -c requirements/dev.txt --group bench -o requirements/bench.txt

clean: ## Remove what the other targets made
	@rm -rf .venv .venv-peers .run .docs .mypy_cache .ruff_cache .pytest_cache .hypothesis
