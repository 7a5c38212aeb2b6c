# Each verb sets up what is missing (envs/install.sh), holds the folder's lock and tells its time (envs/run.sh).
# ARGS passes words on: make figures ARGS="--config source=mirror mirror=/data/geo"

SHELL := bash
.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help figures report site status docs test test-slow lint lock clean
RUN := @bash envs/run.sh
# Shows each step; "$$@" keeps the quoted words of ARGS whole.
STEPS := bash -euo pipefail -c 'PS4="== "; set -x;
LINT := ruff check .; ruff format --check .; snakefmt --check Snakefile rules workflow/Snakefile; snakemake --lint; mypy
# A file's tests stay in one worker: they share a simulated dataset or a run of the workflow.
PYTEST := pytest -n $${PYTEST_WORKERS:-2} --dist loadfile
TESTS := $(wildcard tests/unit tests/scripts tests/golden tests/workflow tests/docs tests/site)

help: ## these lines
	@echo 'make VERB [ARGS="more words for the command"]'
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-10s %s\n", $$1, $$2}' Makefile

figures: ## every figure and table of config.yaml, from nothing (results/)
	$(RUN) figures snakemake --cores all $(ARGS)

report: ## results/report.zip, Snakemake's report of the figures that make figures made
	$(RUN) report snakemake --report results/report.zip $(ARGS)

site: ## results/site/index.html, the results page of the studies that were built, by the config of that run
	$(RUN) site snakemake --cores all site $(or $(ARGS),$(if $(wildcard results/config.yaml),--configfile results/config.yaml))

status: ## what is done, at work, failed or interrupted, with the logs; works beside a run
	@[ -x .venv/bin/python ] || { echo 'make status: nothing has been set up here; make figures does'; exit 0; }; \
	.venv/bin/python -m workflow_scripts.status $(ARGS)

docs: ## the documentation, as pages to read (results/docs/index.html)
	$(RUN) --docs docs env NO_MKDOCS_2_WARNING=1 mkdocs build --strict $(ARGS)

test: ## lint, then all tests but the slow ones; with CI=true a skip is a failure
	$(RUN) --test test $(STEPS) $(LINT); $(PYTEST) $(TESTS) "$$@"' test $(ARGS)

test-slow: ## the slow tests: chaos, and runs on the real data where a mirror is at hand
	$(RUN) --test test-slow $(STEPS) pytest -m slow tests "$$@"' test-slow $(ARGS)

lint: ## ruff, snakefmt, snakemake --lint, mypy
	$(RUN) lint $(STEPS) $(LINT)'

lock: ## compile envs/requirements.in into envs/requirements.lock (UPGRADE=1: newest versions)
	$(RUN) lock bash envs/lock.sh

clean: ## delete results/, after asking (YES=1: without); resources/raw stays
	@[ -d results ] || { echo 'make clean: there is no results/ to delete'; exit 0; }; \
	if [ '$(YES)' != 1 ]; then \
	  read -r -p "Delete results/ ($$(du -sh results | cut -f 1))? resources/raw stays. [y/N] " answer || true; \
	  [ "$$answer" = y ] || { echo 'make clean: nothing deleted'; exit 0; }; \
	fi; \
	bash envs/run.sh --bare clean rm -rf results
