# Every command of the project. Two of them do all the set-up on a fresh machine: `make demo` and `make test`.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Brings the cluster up if it is not, and puts kubectl and KUBECONFIG into a recipe's shell.
CLUSTER_UP = exports="$$(hack/cluster/up)"; eval "$$exports"

.PHONY: help setup lock generate check test test-all test-unit test-packaging test-conformance test-component test-cluster test-gitops test-install test-trials test-stores cluster cluster-down images install demo demo-down run bench-serving bench-verdict sbom clean

help: ## This list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-16s %s\n", $$1, $$2}'

setup: $(VENV)/installed ## Python packages of the lock file, into .venv

$(VENV)/installed: requirements/dev.lock pyproject.toml
	@hack/venv "$(PYTHON)" "$(VENV)"

lock: setup ## Resolve the lock files again (hashes, no index addresses)
	@hack/lock "$(BIN)/uv"

generate: setup ## CRDs, reference docs, chart and manifests from the models, Argo CD's settings from Lua, gRPC's messages
	$(BIN)/python hack/generate.py
	$(BIN)/python hack/generate_argocd.py
	$(BIN)/python hack/generate_messages.py
	$(BIN)/python hack/chart

check: setup ## Format, lint, types, layers, size budget; changes nothing
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python hack/size_budget.py

test: setup ## What every change must pass: the rungs in turn; says how many tests ran on each
	@hack/test unit packaging conformance component cluster install

test-all: setup ## What a release must pass: the same, GitOps and the trials; two hours
	@hack/test unit packaging conformance component cluster gitops trials install

test-unit: setup ## Pure functions and the server; needs nothing
	@hack/test unit

test-packaging: setup ## Chart, manifests and Dockerfile: rendered, validated, linted; needs no cluster
	@hack/test packaging

test-conformance: setup ## Other projects' clients and models against the server
	@hack/test conformance

test-component: setup ## The operator against a real API server; needs no nodes
	@hack/test component

test-cluster: setup ## Real pods, real Prometheus, real load
	@hack/test cluster

test-gitops: setup ## Flux and Argo CD for real
	@hack/test gitops

test-install: setup ## Installations by Helm, kubectl and Kustomize; upgrade and removal under load
	@hack/test install

test-trials: setup ## Strategies, Gateways, an autoscaler, A/B tests under load: half an hour of an idle machine
	@hack/test trials

test-stores: setup ## Thanos and Mimir as the source of metrics: half an hour to build them, once, then three minutes
	@for store in thanos mimir; do hack/cluster/extra $$store > /dev/null || exit 1; done
	@hack/cluster/extra prometheus > /dev/null
	SERIN_METRIC_SOURCES=thanos,mimir $(BIN)/pytest -q tests/component/test_metric_source.py

cluster: ## A real Kubernetes on this machine, with Prometheus; prints what to eval
	@hack/cluster/up
	@hack/cluster/prometheus

cluster-down: ## Removes the cluster; images and programs stay for the next time
	@hack/cluster/down

images: ## Builds both images and loads them into the cluster
	@$(CLUSTER_UP); hack/cluster/images

install: setup images ## The chart into the cluster
	@$(CLUSTER_UP); hack/cluster/prometheus; hack/install

demo: setup install ## Cluster, operator, a good model promoted, a bad one rejected, shown live
	@$(CLUSTER_UP); $(BIN)/python hack/demo

demo-down: cluster-down ## Removes what the demo made

run: setup ## The operator on this machine against the cluster of KUBECONFIG
	$(BIN)/python -m serin

bench-serving: setup ## Serin beside MLServer, KServe, BentoML and FastAPI: writes docs/benchmarks.md (AGAIN=1: from the start)
	@command -v wrk > /dev/null || { echo "wrk is missing: apt-get install wrk" >&2; exit 1; }
	@command -v h2load > /dev/null || { echo "h2load is missing: apt-get install nghttp2-client" >&2; exit 1; }
	nice $(BIN)/python benchmarks/serving $(if $(AGAIN),--again)

bench-verdict: setup ## Serin's verdict beside Argo's, Flagger's, Kayenta's on simulated rollouts: writes docs/verdict-measured.md (TABLES=main: only the first table; AGAIN=1: from the start)
	PYTHONPATH=benchmarks nice $(BIN)/python -m verdict $(if $(TABLES),--tables $(TABLES)) $(if $(AGAIN),--again)

sbom: setup ## Bills of materials of both images (CycloneDX), into build/
	@mkdir -p build; python=$$(hack/locked-venv requirements/sbom.lock); \
	for image in operator server; do \
	  "$${python%/*}/cyclonedx-py" requirements --output-reproducible --of JSON -o build/sbom-$$image.json requirements/$$image.lock; \
	  echo "build/sbom-$$image.json"; \
	done

clean: ## Removes what was made in this folder
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache *.egg-info
