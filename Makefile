# `make up` and `make test` do everything, on a machine with no more than Python 3.11 and make.
# PYTHON=python3.13 make … chooses the interpreter, ARGS='…' adds arguments to `up` and `bench`.

.DEFAULT_GOAL := help
.PHONY: help install up test wheel-test cluster-test soak mutation lint format bench lock clean

bin := .venv/bin

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' Makefile

install: .venv/.runtime ## Leave .venv/bin/faultwire, with what it needs and nothing else
	@:

up: .venv/.runtime ## Start both services and say what to try; Ctrl+C stops them
	@$(bin)/faultwire up $(ARGS)

test: .venv/.dev wheel-test ## Run the tests, with the coverage gate
	@$(bin)/python -m pytest -n 2 --dist loadfile --cov

# A file left out of the wheel, or an import that only developers have, would show here. (pytest's
# plugin and the extra `otel` need what only their users have.)
import_all := import importlib, pkgutil, faultwire; \
    [importlib.import_module(m.name) for m in pkgutil.walk_packages(faultwire.__path__, "faultwire.") \
    if not m.name.endswith(("__main__", ".pytest_plugin", ".otlp"))]

wheel-test: .venv/.dev ## Build the wheel and run it away from the source
	@rm -rf build
	@$(bin)/python -m flit_core.wheel --outdir build >/dev/null
	@PYTHON=$(bin)/python VENV=build/venv requirements/install.sh runtime build/*.whl
	@build/venv/bin/python -I -c '$(import_all)'
	@build/venv/bin/faultwire --help >/dev/null

cluster-test: .venv/.dev ## Try the chart on the cluster that KUBECONFIG names
	@CLUSTER_TEST=1 $(bin)/python -m pytest -v tests/cluster $(ARGS)

soak: .venv/.dev ## Keep the console under load (MINUTES=10) and say what it cost
	@SOAK_MINUTES=$(or $(MINUTES),10) $(bin)/python -m pytest -s tests/system/test_console_soak.py

mutation: .venv/.dev .venv/.mutation ## Mutate the policies and list what no test notices
	@nice $(bin)/python -m mutmut run --max-children 2; $(bin)/python -m mutmut results

lint: .venv/.dev ## Check style, formatting and types
	@$(bin)/ruff check --quiet
	@$(bin)/ruff format --check --quiet
	@$(bin)/mypy

format: .venv/.dev ## Format the code and mend what can be mended
	@$(bin)/ruff check --fix --quiet
	@$(bin)/ruff format --quiet

bench: .venv/.dev ## Measure the pair beside its rivals (needs wrk)
	@$(bin)/python -m benchmarks $(ARGS)

# Later locks repeat the choices of earlier ones, so that one .venv can hold them all.
# `make lock ARGS=--upgrade` takes newer versions.
compile = uv pip compile --no-config --quiet --universal --python-version 3.11 --generate-hashes \
    --no-header --no-emit-index-url --no-emit-find-links --no-strip-extras \
    pyproject.toml --group build $(ARGS)

lock: ## Write requirements/*.txt anew from pyproject.toml (needs uv)
	$(compile) -o requirements/runtime.txt
	$(compile) -o requirements/dev.txt --group dev -c requirements/runtime.txt
	$(compile) -o requirements/mutation.txt --group mutation -c requirements/dev.txt
	$(compile) -o requirements/otel.txt --extra otel -c requirements/dev.txt

clean: ## Remove all that was made here
	rm -rf .venv build dist .coverage* .hypothesis .mypy_cache .pytest_cache .ruff_cache mutants
	find src tests benchmarks -name __pycache__ -prune -exec rm -rf {} +

# The stamps: one for each lock, touched when .venv holds all of it.
stamps := .venv/.runtime .venv/.dev .venv/.mutation

$(stamps): .venv/.%: requirements/%.txt requirements/install.sh pyproject.toml
	@requirements/install.sh $*

# Another Python than the one that made .venv is asked for: stamps do not count.
ifneq ($(filter-out $(shell cat .venv/.complete 2>/dev/null),$(PYTHON)),)
.PHONY: $(stamps)
endif
