# Two commands do all their set-up themselves: `make lab` and `make test`. What is already there is not made again.

SHELL := bash
.DEFAULT_GOAL := help

PYTHON_IN_VENV := .venv/bin/python
# Node may live in .venv, where tools/setup.sh puts it on machines without one.
WITH_NODE := PATH="$$PWD/.venv/bin:$$PATH"
# Jupyter refuses to run as root, which is who one is in a container.
ROOT_FLAG := $(if $(filter 0,$(shell id -u)),--allow-root)

# Of two runs one may have nothing to do when TEST_ARGS chooses tests; pytest calls that 5.
NOTHING_CHOSEN := [ $$? = 5 ]

.PHONY: help
help: ## Show this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/\1|\2/p' Makefile | while IFS='|' read -r name text; do printf '  make %-8s %s\n' "$$name" "$$text"; done

.PHONY: lab
lab: ## Open the quickstart in JupyterLab (LAB_ARGS="--no-browser --port=9000" is passed on)
	@tools/setup.sh python lab
	@echo "» starting JupyterLab; end it with Ctrl+C"
	@JUPYTER_PREFER_ENV_PATH=1 $(PYTHON_IN_VENV) -m jupyterlab $(ROOT_FLAG) notebooks/01-quickstart.ipynb $(LAB_ARGS)

.PHONY: test
test: lint js ## Check everything: style, types, JavaScript, tests, also in a browser (TEST_ARGS="-k labeler" is passed on)
	@tools/setup.sh chromium
	@echo "» pytest, on all cores"
	@$(PYTHON_IN_VENV) -m pytest -n auto --dist loadfile -m "not (browser or training or soak)" $(TEST_ARGS) || $(NOTHING_CHOSEN)
	@echo "» pytest, what trains, two at a time"
	@$(PYTHON_IN_VENV) -m pytest -n 2 --dist loadfile -m "training and not (browser or soak)" $(TEST_ARGS) || $(NOTHING_CHOSEN)
	@echo "» pytest, what drives a browser, one after the other"
	@$(PYTHON_IN_VENV) -m pytest -m "browser and not soak" $(TEST_ARGS) || $(NOTHING_CHOSEN)

.PHONY: lint
lint: ## Check the Python sources' style and types
	@tools/setup.sh python test
	@echo "» ruff"
	@$(PYTHON_IN_VENV) -m ruff check --quiet .
	@$(PYTHON_IN_VENV) -m ruff format --check --quiet . || { echo "make format would change these files:"; $(PYTHON_IN_VENV) -m ruff format --check .; }
	@echo "» mypy"
	@$(PYTHON_IN_VENV) -m mypy

.PHONY: js
js: ## Check the JavaScript: types, tests, and that the committed bundles equal a rebuild
	@tools/setup.sh python test
	@tools/setup.sh node
	@echo "» JavaScript types"
	@$(WITH_NODE) npm run --silent check
	@echo "» JavaScript bundles"
	@$(WITH_NODE) tools/check_bundles.sh
	@echo "» JavaScript tests"
	@log=$$(mktemp); trap 'rm -f "$$log"' EXIT; $(WITH_NODE) npm test --silent >"$$log" 2>&1 || { cat "$$log"; exit 1; }; sed -n 's/^[^ ]* pass \(.*\)/\1 passed/p' "$$log"

.PHONY: soak
soak: ## Run the long kill and fuzz tests (many minutes)
	@tools/setup.sh python test
	@tools/setup.sh chromium
	@$(PYTHON_IN_VENV) -m pytest -m soak $(TEST_ARGS)

.PHONY: bench
bench: ## Print the benchmarks' tables (BENCH_ARGS="import_time" chooses)
	@tools/setup.sh python test
	@$(PYTHON_IN_VENV) -m tests.benchmarks $(BENCH_ARGS)

.PHONY: format
format: ## Rewrite the Python sources in the house's format
	@tools/setup.sh python test
	@$(PYTHON_IN_VENV) -m ruff check --fix .
	@$(PYTHON_IN_VENV) -m ruff format .

.PHONY: bundles
bundles: ## Rebuild the widgets' JavaScript bundles
	@tools/setup.sh python test
	@tools/setup.sh node
	@$(WITH_NODE) npm run --silent build

.PHONY: clean
clean: ## Remove all that these commands made: .venv, node_modules, caches
	rm -rf .venv node_modules build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find piximi_widgets tests -name __pycache__ -type d -prune -exec rm -rf {} +
