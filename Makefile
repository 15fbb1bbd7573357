# Batch Normalization, Exactly. Two commands matter: make serve (read) and make test (check).
# Each step leaves a stamp that depends on the files it reads, so that a second run re-does only what changed.

PYTHON ?= python3
PORT ?= 8000

VENV := .venv/bin/python
DEEP := .venv-deep/bin/python
INSTALLED := .venv/.installed
STAMPS := _build/stamps
BOOK := _build/html
ARCHIVE := _build/batch-normalization-exactly.zip
PYTEST := OPENBLAS_NUM_THREADS=1 $(VENV) -m pytest -n 2 --dist loadfile

# The files of some folders and, so that a deletion counts as a change as well, a list of their names.
group = $(shell mkdir -p $(STAMPS); \
	find $(2) -type f ! -path '*/.*' ! -path '*/__pycache__/*' ! -name '* *' 2>/dev/null | sort > $(STAMPS)/$(1).new; \
	cmp -s $(STAMPS)/$(1).new $(STAMPS)/$(1).list || cp $(STAMPS)/$(1).new $(STAMPS)/$(1).list; \
	cat $(STAMPS)/$(1).list; echo $(STAMPS)/$(1).list)

CODE := $(call group,bnlib,bnlib) $(call group,press,press) pyproject.toml
CHAPTERS := $(call group,chapters,chapters)
LEDGER := $(call group,ledger,claims.yml claims_gaps.json)
CONFIG := $(call group,config,_config.yml _toc.yml)
PAGE_TESTS := $(call group,pages,tests/pages tests/conftest.py)
TESTS := $(filter-out tests/pages/%,$(call group,tests,tests))
BENCHMARKS := $(call group,benchmarks,benchmarks)
TEXTS := $(wildcard *.md *.txt *.cff LICENSE* Makefile .ci/run)

NOTEBOOKS := $(filter %.ipynb,$(CHAPTERS))
# The tests that read the chapters and other texts; they run with the notebook checks.
TEXT_TESTS := $(filter tests/test_layers.py tests/test_notebooks.py tests/test_claims.py,$(TESTS))

CHECKS := lint unit notebooks book pages
done = @touch $@ $(STAMPS)/changed

# A book deleted by hand is built anew.
ifeq ($(wildcard $(BOOK)/index.html),)
$(shell rm -f $(STAMPS)/book)
endif

.PHONY: help serve book zip test deep lab notebooks bench ledger clean port

help:
	@echo "make serve      build the book and serve it on this machine (PORT=$(PORT))"
	@echo "make test       lint, tests, notebook checks, page checks"
	@echo "make deep       install PyTorch into .venv-deep, and check the optional convolutional networks"
	@echo "make lab        open the chapters as notebooks in JupyterLab"
	@echo "make book       build the book into $(BOOK)"
	@echo "make zip        pack the built book for a classroom without a network into $(ARCHIVE)"
	@echo "make notebooks  execute all chapters in place"
	@echo "make bench      measure speeds and print what they are compared with"
	@echo "make ledger     run the tests and write the measured gaps into claims_gaps.json"
	@echo "make clean      remove what was built (what is installed in .venv and .venv-deep stays)"

define check_python
@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	echo "Python 3.11 or newer is needed; $(PYTHON) is $$($(PYTHON) --version 2>/dev/null || echo not there)." \
	"Name another one: make PYTHON=/path/to/python3.12" >&2; exit 1; }
endef

$(INSTALLED): requirements.txt constraints.txt pyproject.toml press/install.py
	$(check_python)
	@$(PYTHON) press/install.py
	@touch $@

serve: port book
	@exec $(VENV) press/serve.py --port $(PORT) --folder $(BOOK)

# Asked before the book is built, so that nobody waits for minutes to learn that the port is taken.
port:
	$(check_python)
	@$(PYTHON) press/serve.py --port $(PORT) --check

book: $(STAMPS)/book
	@echo "The book is in $(BOOK)."

# Sphinx re-reads only changed chapters by itself; a change anywhere else concerns all of them. A
# failed build is forgotten, since Sphinx would not repeat its warnings the next time.
$(STAMPS)/book: $(INSTALLED) $(CODE) $(CHAPTERS) $(CONFIG) $(LEDGER)
	.venv/bin/jupyter-book build . -W --keep-going \
		$(if $(filter-out chapters/%,$?),--all) || { rm -rf _build/.doctrees; exit 1; }
	$(done)

zip: $(ARCHIVE)

$(ARCHIVE): $(STAMPS)/book press/archive.py
	$(VENV) press/archive.py $(BOOK) $@

test: $(CHECKS:%=$(STAMPS)/%)
	@if [ -e $(STAMPS)/changed ]; then echo "All checks passed."; \
	else echo "Nothing to do: all checks passed, and nothing has changed since."; fi
	@rm -f $(STAMPS)/changed

$(STAMPS)/lint: $(INSTALLED) $(CODE) $(TESTS) $(PAGE_TESTS) $(BENCHMARKS) $(NOTEBOOKS)
	$(VENV) -m ruff check .
	$(done)

$(STAMPS)/unit: $(INSTALLED) $(CODE) $(TESTS) $(LEDGER)
	$(PYTEST) -m "not pages" $(addprefix --ignore=,$(TEXT_TESTS))
	$(done)

# Strict on every stored text. Where only chapters have changed, only these are executed again.
$(STAMPS)/notebooks: $(INSTALLED) $(CODE) $(TESTS) $(LEDGER) $(CHAPTERS) $(CONFIG) $(TEXTS)
	BNLIB_FRONT_END=still $(PYTEST) --nbval --nbval-current-env -m "not pages" $(TEXT_TESTS) \
		$(if $(filter-out $(CHAPTERS) $(TEXTS),$?),$(NOTEBOOKS),$(filter %.ipynb,$?))
	$(done)

$(STAMPS)/pages: $(STAMPS)/book $(PAGE_TESTS)
	BNLIB_BOOK="$(CURDIR)/$(BOOK)" $(PYTEST) --dist loadgroup -m pages tests/pages
	$(done)

# PyTorch stays out of .venv, so that make test shows that nothing else needs it.
deep: $(STAMPS)/deep
	@echo "The convolutional networks are as they should be."

.venv-deep/.installed: constraints.txt pyproject.toml press/install.py
	$(check_python)
	@$(PYTHON) press/install.py deep
	@touch $@

$(STAMPS)/deep: .venv-deep/.installed $(CODE) $(TESTS)
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(DEEP) -m pytest tests/deep bnlib/deep
	@rm -rf _build/deep
	$(DEEP) -m bnlib.deep all --scale smoke --folder _build/deep --quiet
	@touch $@

lab: $(INSTALLED)
	@exec .venv/bin/jupyter-lab --ServerApp.ip=127.0.0.1 chapters

notebooks: $(INSTALLED)
	$(VENV) press/notebooks.py

bench: $(INSTALLED)
	$(VENV) -m benchmarks

ledger: $(INSTALLED)
	$(VENV) -m pytest -m "not pages" --write-gaps

clean:
	rm -rf _build .pytest_cache .hypothesis .ruff_cache
