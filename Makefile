# `make demo` and `make test` do all their own set-up. Needed: Python 3.10 or later, and make.
PYTHON ?= python3
VENV ?= .venv
# Tests run in parallel, a file at a time; `make test TESTS=Testing/images` runs some of them.
TESTS ?=
PYTEST_OPTIONS ?= -n auto --maxprocesses 4 --dist loadfile
# `make demo CASE=templates OUT=runs/templates`
CASE ?=
OUT ?=

PY := $(VENV)/bin/python
INSTALLED := $(VENV)/installed

.DEFAULT_GOAL := help
.PHONY: help venv lint test demo cmake clean

help:
	@echo 'make demo [CASE=...] [OUT=...]  segment the shipped CT and MRI, compare with the truth, make pictures'
	@echo 'make test [TESTS=...]           style, types and tests'
	@echo 'make lint                       style and types only'
	@echo 'make cmake                      write the file lists of MultimodalSegLib/CMakeLists.txt anew'
	@echo 'make venv                       only the set-up ($(VENV))'
	@echo 'make clean                      remove what these made, results in runs/ excepted'

venv: $(INSTALLED)

$(INSTALLED): pyproject.toml constraints.txt Tools/system-libraries
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' \
	  || { echo 'Python 3.10 or later is needed; name it: make PYTHON=python3.11 ...'; exit 1; }
	@Tools/system-libraries $(PYTHON)
	$(PYTHON) -m venv $(VENV)
	$(PY) -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[headless,test]'
	@touch $@

lint: $(INSTALLED)
	$(PY) -m ruff check .
	$(PY) -m mypy

test: lint
	$(PY) -m pytest $(PYTEST_OPTIONS) $(TESTS)

demo: $(INSTALLED)
	$(PY) -m MultimodalSegLib demo $(if $(CASE),--case $(CASE)) $(if $(OUT),--out $(OUT))

cmake:
	$(PYTHON) Tools/list_package_files.py --write

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
