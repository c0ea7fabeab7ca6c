# Everything a developer or the CI does, by name. `make help` lists it.

# Where cargo builds; the same variable that cargo reads.
TARGET_DIR := $(or $(CARGO_TARGET_DIR),target)
YOSOKU     := $(TARGET_DIR)/release/yosoku
# Options for the programs started below, such as DEMO_ARGS=--exit.
DEMO_ARGS  ?=
RUN_ARGS   ?=
# Options for what measures, such as BENCH_ARGS='--turns 3'; each program lists its own with --help.
BENCH_ARGS ?=
# A Python with the packages of bench/requirements.txt; by default one is made under target/bench.
BENCH_PYTHON ?= $$($(PYTHON) bench/environment.py)
# Seconds for each target of `make fuzz`, and further options of libFuzzer, such as FUZZ_ARGS=-max_len=100000.
FUZZ_SECONDS ?= 60
FUZZ_ARGS    ?=
FUZZ_TARGETS := recipe schema csv
# Options for what acts as a client, and the Python environment of clients that others wrote.
CLIENTS_ARGS   ?=
CLIENTS_PYTHON ?= target/clients
# The Python environment of the client and the notebooks, and options for the latter, such as NOTEBOOKS_ARGS='--only spam'.
PYTHON_ENV     ?= target/python
NOTEBOOKS_ARGS ?=
LAB_ARGS       ?=
# A Python: for `make golden` one with scikit-learn and statsmodels.
PYTHON     ?= python3

# Makes that environment, where it is not there yet.
MAKE_CLIENTS_PYTHON = $(CLIENTS_PYTHON)/bin/python -c 'import mlflow, tritonclient.http, h2, httpx, boto3, awscli, sklearn, moto.server, pyarrow, zstandard' 2>/dev/null || { \
  $(PYTHON) -m venv $(CLIENTS_PYTHON) && \
  $(CLIENTS_PYTHON)/bin/pip install -q -r tests/clients/requirements.txt; }

.DEFAULT_GOAL := help
.PHONY: help build demo run test lint fmt deny openapi reference docs book golden fuzz clients real-clients
.PHONY: python-client test-python notebooks notebooks-render lab
.PHONY: bench bench-inspecting bench-training bench-serving bench-models bench-batch bench-growth bench-quality

help: ## list these targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/\1|\2/' | awk -F'|' '{printf "%-17s %s\n", $$1, $$2}'

build: ## build the program in release mode
	cargo build --release --locked

demo: build ## the main job on the sample data, over HTTP, on a free port; DEMO_ARGS=--exit ends it
	$(YOSOKU) demo $(DEMO_ARGS)

run: build ## serve on the default address from ./yosoku-home; RUN_ARGS adds options
	$(YOSOKU) serve $(RUN_ARGS)

test: ## the whole test suite on the embedded store; YOSOKU_TEST_POSTGRES=URL adds PostgreSQL, YOSOKU_TEST_MARIADB=URL MariaDB
	cargo test --release --locked

clients: build ## what clients rely on, by programs that know the interface only; CLIENTS_ARGS='--only csv' for some of it
	$(PYTHON) tests/clients/run.py $(YOSOKU) $(CLIENTS_ARGS)

real-clients: build ## the same with clients that others wrote: those of MLflow, Triton, HTTP/2, Amazon and S3; makes a Python environment
	$(MAKE_CLIENTS_PYTHON)
	$(CLIENTS_PYTHON)/bin/python tests/clients/real_clients.py $(YOSOKU) $(CLIENTS_ARGS)
	$(CLIENTS_PYTHON)/bin/python tests/clients/amazon.py $(YOSOKU) $(CLIENTS_ARGS)
	$(CLIENTS_PYTHON)/bin/python tests/clients/storage.py $(YOSOKU) $(CLIENTS_ARGS)

# Brought up to date when the lists of packages change. The client itself is not installed in it, so that clones can share it.
$(PYTHON_ENV)/bin/pip:
	$(PYTHON) -m venv $(PYTHON_ENV)

$(PYTHON_ENV)/%-ready: %/requirements.txt | $(PYTHON_ENV)/bin/pip
	$(PYTHON_ENV)/bin/pip install -q -r $<
	mkdir -p $(@D)
	touch $@

python-client: $(PYTHON_ENV)/clients/python-ready ## write what is generated of the Python client anew, from openapi.yaml
	$(PYTHON_ENV)/bin/python clients/python/generate.py

test-python: build $(PYTHON_ENV)/clients/python-ready ## types, style and tests of the Python client, against a server that it starts
	cd clients/python && $(abspath $(PYTHON_ENV))/bin/mypy
	$(PYTHON_ENV)/bin/ruff check clients/python notebooks
	$(PYTHON_ENV)/bin/ruff check --config notebooks/ruff.toml datasets/generate.py
	$(PYTHON_ENV)/bin/ruff format --check clients/python notebooks
	cd clients/python && YOSOKU_BIN=$(abspath $(YOSOKU)) PYTHONPATH=src $(abspath $(PYTHON_ENV))/bin/python -m pytest

notebooks: build $(PYTHON_ENV)/notebooks-ready ## run the notebooks; fails on errors, drifted figures and stale pages; NOTEBOOKS_ARGS='--only spam'
	YOSOKU_BIN=$(abspath $(YOSOKU)) PYTHONPATH=$(CURDIR)/clients/python/src \
	  $(PYTHON_ENV)/bin/python notebooks/run.py $(NOTEBOOKS_ARGS)

lab: build $(PYTHON_ENV)/notebooks-ready ## open the notebooks in JupyterLab; LAB_ARGS adds options
	$(PYTHON_ENV)/bin/python -c 'import jupyterlab' 2>/dev/null || $(PYTHON_ENV)/bin/pip install -q 'jupyterlab>=4,<5' ipywidgets
	YOSOKU_BIN=$(abspath $(YOSOKU)) PYTHONPATH=$(CURDIR)/clients/python/src $(PYTHON_ENV)/bin/jupyter lab $(LAB_ARGS) notebooks

notebooks-render: NOTEBOOKS_ARGS += --render
notebooks-render: notebooks ## the same, and write their pages in docs/notebooks anew

lint: ## formatting, clippy and the documentation, warnings denied
	cargo fmt --check
	cargo clippy --release --locked --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --release --locked --no-deps --document-private-items

fmt: ## format the sources
	cargo fmt

deny: ## licences, sources and banned crates of all dependencies; needs cargo-deny
	cargo deny --locked check bans licenses sources

openapi: build ## write openapi.yaml anew from the handlers
	$(YOSOKU) openapi > openapi.yaml.new
	mv openapi.yaml.new openapi.yaml

reference: build ## write docs/reference anew from the program: commands, configuration, error codes, REST
	for page in cli configuration errors rest; do \
	  $(YOSOKU) reference $$page > docs/reference/$$page.md.new && mv docs/reference/$$page.md.new docs/reference/$$page.md || exit 1; \
	done

docs: ## run every command and snippet of the documentation, those in Python too, and list what is not run
	$(MAKE_CLIENTS_PYTHON)
	YOSOKU_DOCS_PYTHON=$(abspath $(CLIENTS_PYTHON))/bin/python cargo test --release --locked --test docs -- --nocapture

book: ## write the documentation as HTML to target/book; needs mdbook
	@command -v mdbook >/dev/null || { \
	  echo "mdbook is missing; install it with: cargo install --locked mdbook" >&2; exit 1; }
	mdbook build

golden: ## write the sample data and the outside numbers anew; needs scikit-learn and statsmodels, see datasets/README.md
	$(PYTHON) datasets/export.py
	$(PYTHON) tests/golden/learners.py
	$(PYTHON) tests/golden/weights.py
	$(PYTHON) tests/golden/lasso.py

bench: bench-inspecting bench-training bench-serving bench-models bench-batch ## measure beside other tools; each part writes its section of docs/benchmarks.md

# Optional, and left out of the tables where missing: liblinear-train, R with glmnet and data.table, Java (for H2O).
bench-training: build ## CSV to model beside scikit-learn, Vowpal Wabbit, LIBLINEAR, glmnet and H2O; about an hour
	python=$(BENCH_PYTHON) && $$python bench/training.py $(YOSOKU) $(BENCH_ARGS)

# wrk must be installed, for this and the next; cargo builds the minimal handler.
bench-serving: build ## predictions over HTTP beside a minimal handler and FastAPI, server and client on one processor each
	python=$(BENCH_PYTHON) && $$python bench/serving.py $(YOSOKU) $(BENCH_ARGS)

bench-models: build ## memory with ten models, and requests to a thousand
	python=$(BENCH_PYTHON) && $$python bench/models.py $(YOSOKU) $(BENCH_ARGS)

bench-batch: build ## CSV to CSV beside scikit-learn and Vowpal Wabbit
	python=$(BENCH_PYTHON) && $$python bench/batch.py $(YOSOKU) $(BENCH_ARGS)

bench-inspecting: build ## inspect beside DuckDB and polars, and each stage
	python=$(BENCH_PYTHON) && $$python bench/inspecting.py $(YOSOKU) $(BENCH_ARGS)

bench-growth: build ## time and memory from 1 to 20 million rows; 8 GB of disk
	python=$(BENCH_PYTHON) && $$python bench/growth.py $(YOSOKU) $(BENCH_ARGS)

bench-quality: build ## what is learned with no options beside scikit-learn on many real tables
	python=$(BENCH_PYTHON) && $$python bench/quality.py $(YOSOKU) $(BENCH_ARGS)

# Coverage needs no sanitizer and so no nightly compiler; what a sanitizer would find, safe Rust does not have. The lock
# file is the program's with the fuzzer added, so that both use the same versions. New inputs go to the first folder.
fuzz: ## mutated input for what reads recipes, schemas and CSV, FUZZ_SECONDS each; any toolchain; needs cargo-fuzz
	@command -v cargo-fuzz >/dev/null || { \
	  echo "cargo-fuzz is missing; install it with: cargo install --locked cargo-fuzz" >&2; exit 1; }
	[ fuzz/Cargo.lock -nt Cargo.lock ] || cp Cargo.lock fuzz/Cargo.lock
	for target in $(FUZZ_TARGETS); do \
	  mkdir -p fuzz/corpus/$$target && \
	  cargo fuzz run --sanitizer none $$target fuzz/corpus/$$target fuzz/seeds/$$target -- \
	    -max_total_time=$(FUZZ_SECONDS) -timeout=10 -print_final_stats=1 $(FUZZ_ARGS) || exit 1; \
	done
