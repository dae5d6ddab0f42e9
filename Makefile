# Each target sets up .venv from scratch when it is missing or pyproject.toml or constraints.txt changed.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.ONESHELL:

BIN := .venv/bin
BASE := .venv/.base
STAMP := .venv/.installed
DEMO_RECORDING ?= examples/demo_recording
DEMO_OUTPUT ?= out/demo
PYTEST_WORKERS ?= 2

.PHONY: demo test test-all test-browser docs check wheel format clean
.DEFAULT_GOAL := help

help:  ## List the targets.
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

# What the commands of the README need; the tools of development (Drake, Ray, a browser driver: 2 GB more) come with the other targets.
$(BASE): pyproject.toml constraints.txt
	@python=""
	for candidate in $(PYTHON) python3.12 python3.11 python3.13 python3 python; do
	  if $$candidate -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; then
	    python=$$candidate; break
	  fi
	done
	if [ -z "$$python" ]; then
	  echo "Python 3.11, 3.12 or 3.13 is needed and was not found; install one, or run: make PYTHON=/path/to/python3.12" >&2
	  exit 1
	fi
	[ -x $(BIN)/python ] || $$python -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade "pip>=24"
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[export,video,view]'
	touch $@

$(STAMP): $(BASE)
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[dev]'
	touch $@

demo: $(BASE)  ## Run the main job on the small recording that ships here; results in out/demo.
	$(BIN)/sim2art run $(DEMO_RECORDING) -o $(DEMO_OUTPUT) --mask motion --overwrite

test: $(STAMP)  ## The default tests (a few minutes; the real recordings too where they lie beside the checkout).
	$(BIN)/python -m pytest -n $(PYTEST_WORKERS) --dist loadfile -q

test-all: $(STAMP)  ## Slow tests too; GPU, outside recordings and browser where there are any.
	$(BIN)/python -m pytest -q -m ""

test-browser: $(STAMP)  ## The viewer in a real browser (Chromium); screenshots in out/screenshots.
	$(BIN)/python -m pytest -q -m browser tests/view

docs: $(STAMP)  ## The documentation as a site, in out/site.
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

check: $(STAMP)  ## Format, lint, types, layers.
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/basedpyright
	$(BIN)/lint-imports

wheel:  ## Build the wheel and start it in clean environments of Python 3.11, 3.12 and 3.13.
	.ci/check_wheel

format: $(STAMP)  ## Rewrite the sources in the project's format.
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean:  ## Remove what the targets made.
	rm -rf .venv out dist .pytest_cache .ruff_cache .hypothesis
