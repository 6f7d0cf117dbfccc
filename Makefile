# Every target makes what it needs by itself, in .venv: a machine with only python3 (3.11 to 3.14, with venv) will do.
.DEFAULT_GOAL := help
BIN := .venv/bin
STAMP := .venv/.synced
unexport PYTHONPATH PYTHONHOME VIRTUAL_ENV

# The stamp holds the folder that .venv was made in: a copied or moved checkout makes its own.
ifneq ($(shell cat $(STAMP) 2>/dev/null),$(CURDIR))
.PHONY: $(STAMP)
endif

.PHONY: help setup demo test stack chaos bench soak compiled format lock docs clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

setup: $(STAMP) ## make .venv with everything in it (the other targets call it)

$(STAMP): pyproject.toml uv.lock scripts/setup
	@sh scripts/setup

demo: $(STAMP) ## the main job on an embedded broker, with a simulated incident (ARGS="--json …")
	@$(BIN)/cxstream demo $(ARGS)

test: $(STAMP) ## all that CI checks: format, lint, types, import contracts, doctests, tests (ARGS="-k …" for pytest)
	@echo '── uv lock --check'
	@sh scripts/setup lock --check --quiet
	@echo '── ruff format --check'
	@$(BIN)/ruff format --check .
	@echo '── ruff check'
	@$(BIN)/ruff check .
	@echo '── mypy'
	@$(BIN)/mypy
	@echo '── lint-imports'
	@$(BIN)/lint-imports --no-logo --no-cache
	@echo '── pytest --doctest-modules schemas stream agents deploy'
	@$(BIN)/pytest -q --doctest-modules schemas stream agents deploy
	@echo '── pytest'
	@$(BIN)/pytest --numprocesses 2 --dist worksteal $(ARGS)

stack: $(STAMP) ## docker-compose.yml without containers, checked: Kafka, workers, desk, Prometheus, Alertmanager (ARGS=--stay)
	@$(BIN)/python -m deploy.stack $(ARGS)

SEED ?= 1
MINUTES ?= 3

chaos: $(STAMP) ## the same events without and with faults, on Apache Kafka: same numbers? (SEED=1 MINUTES=3)
	@$(BIN)/python -m tests.chaos --seed $(SEED) --minutes $(MINUTES)

bench: $(STAMP) ## the full job and the small one in five engines, on one Apache Kafka (ARGS="--only full,stock-faust")
	@$(BIN)/python -m tests.bench $(ARGS)

soak: $(STAMP) ## a steady stream for long: does memory, or the number of handles, grow? (MINUTES=30)
	@$(BIN)/python -m tests.chaos.soak --minutes $(if $(filter command line,$(origin MINUTES)),$(MINUTES),30)

compiled: $(STAMP) ## the core compiled by mypyc, into .compiled, for faster workers (needs a C compiler)
	@sh scripts/compiled

format: $(STAMP) ## format the code and mend what ruff can mend
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format .

lock: ## bring uv.lock up to date after a change of dependencies (ARGS="--upgrade")
	@sh scripts/setup lock $(ARGS)

docs: $(STAMP) ## write anew what is made from the code: docs of metrics and friction, schemas, dashboards, Prometheus' rules
	@$(BIN)/python -m schemas.document
	@$(BIN)/cxstream explain --format markdown >docs/metrics.md
	@$(BIN)/cxstream explain friction --format markdown >docs/friction.md
	@$(BIN)/python -m deploy

clean: ## remove .venv, caches and builds
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dist build .compiled
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
