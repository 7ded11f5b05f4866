# Everything a developer runs, and all that CI runs. `make help` lists the targets.
#
# The environment .venv is made once; the package is built and installed into it again only when a source file changed.

PYTHON ?= python3
BIN := .venv/bin
STAMPS := .venv/stamps

# What the wheel is made of.
SOURCES := pyproject.toml Cargo.toml Cargo.lock README.md $(shell find crates python/flambeau \
	-name __pycache__ -prune -o -type f \( -name '*.rs' -o -name '*.toml' -o -name '*.py' -o -name '*.pyi' -o -name py.typed \) -print)

.DEFAULT_GOAL := help
.PHONY: help demo test sound fuzz package bench conformance fmt check docs clean

help: ## Say what each target does.
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

demo: $(STAMPS)/installed ## Train on real digits; pictures and the model go to runs/mnist/.
	$(BIN)/python examples/mnist_demo.py

test: $(STAMPS)/installed ## Run every test: Rust, Python, formatting, lints and types.
	cargo test --workspace
	$(BIN)/python -m pytest
	$(MAKE) check

# Loom tries every order of the steps of the lock's tests; it is built apart, since it stands in for the atomics. Valgrind
# knows no AVX-512, and runs one thread at a time.
VALGRIND := valgrind -q --leak-check=full --errors-for-leak-kinds=definite --error-exitcode=1
sound: ## Try the lock under loom and, where valgrind is installed, the memory under it (minutes).
	RUSTFLAGS="--cfg loom" CARGO_TARGET_DIR=target/loom cargo test -p flambeau-tensor --lib \
		--config 'profile.dev.package.flambeau-cpu.opt-level=0' -- lock:: shared::
	@command -v valgrind > /dev/null || { echo "valgrind is not installed: memory is not checked"; exit 0; }; \
	CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUNNER="$(VALGRIND)" FLAMBEAU_CPU_CAPABILITY=avx2 OMP_NUM_THREADS=2 \
		cargo test -p flambeau-tensor --test storage --test views --test graph -- --test-threads=1 --skip million

# How many altered files each reader gets; a failure says how to make its input again.
INPUTS ?= 1000000
fuzz: ## Read a million altered files with each reader of files (minutes; INPUTS=n for another number).
	FLAMBEAU_FUZZ=$(INPUTS) cargo test --release -p flambeau-io -p flambeau-data --test fuzz -- --nocapture

package: ## Package every crate as for crates.io, and build what is in the packages (minutes).
	cargo package --workspace

check: $(STAMPS)/installed ## Check formatting, generated files, lints and types, changing nothing.
	cargo fmt --all --check
	cargo run -q -p xtask -- gen --check
	cargo clippy --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc -q --workspace --no-deps
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

fmt: $(STAMPS)/tools ## Format all code, and mend what the linter can mend.
	cargo fmt --all
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(STAMPS)/oracle ## Time the same work on Flambeau and PyTorch (installs PyTorch into .venv).
	$(BIN)/pip wheel -q --no-deps -w dist .
	$(BIN)/python benches/compare.py

# The programs that hold operators and layers against PyTorch's own database: conformance.py and modules.py in this folder.
CONFORMANCE ?= conformance
conformance: $(STAMPS)/oracle ## Hold operators and layers against PyTorch (installs PyTorch into .venv).
	@test -f $(CONFORMANCE)/conformance.py || { echo "no conformance.py in '$(CONFORMANCE)': name its folder with CONFORMANCE=..."; exit 1; }
	$(BIN)/python $(CONFORMANCE)/conformance.py flambeau
	$(BIN)/python $(CONFORMANCE)/modules.py flambeau

docs: ## Write the operator reference and the type stub, and build the Rust reference in target/doc.
	cargo run -q -p xtask -- gen
	cargo doc --workspace --no-deps

clean: ## Remove everything that was built, and .venv.
	cargo clean
	rm -rf .venv runs dist

# Stamps: empty files that say when a step was last done.

$(STAMPS)/venv:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed (PYTHON=... names one)")'
	$(PYTHON) -m venv .venv
	mkdir -p $(STAMPS)
	touch $@

# The tools alone, for formatting without a build.
$(STAMPS)/tools: $(STAMPS)/venv
	$(BIN)/pip install -q 'ruff>=0.9'
	touch $@

# pip asks maturin for a release wheel; Cargo keeps what it built in target/.
$(STAMPS)/installed: $(STAMPS)/venv $(SOURCES)
	$(BIN)/pip install '.[test,check]'
	touch $@

$(STAMPS)/oracle: $(STAMPS)/installed
	$(BIN)/pip install 'torch==2.15.*' scipy expecttest hypothesis --extra-index-url https://download.pytorch.org/whl/cpu
	touch $@
