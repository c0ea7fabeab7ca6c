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
# A Python: for `make golden` one with scikit-learn and statsmodels.
PYTHON     ?= python3

.DEFAULT_GOAL := help
.PHONY: help build demo run test lint fmt deny openapi golden fuzz clients real-clients
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

real-clients: build ## the same with clients that others wrote: those of MLflow, Triton, HTTP/2 and Amazon; makes a Python environment
	$(CLIENTS_PYTHON)/bin/python -c 'import mlflow, tritonclient.http, h2, boto3, awscli' 2>/dev/null || { \
	  $(PYTHON) -m venv $(CLIENTS_PYTHON) && \
	  $(CLIENTS_PYTHON)/bin/pip install -q -r tests/clients/requirements.txt; }
	$(CLIENTS_PYTHON)/bin/python tests/clients/real_clients.py $(YOSOKU) $(CLIENTS_ARGS)
	$(CLIENTS_PYTHON)/bin/python tests/clients/amazon.py $(YOSOKU) $(CLIENTS_ARGS)

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
