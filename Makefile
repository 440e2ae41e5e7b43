VENV := .venv
PY := $(VENV)/bin/python

.PHONY: lock
lock: ## Resolve the lock files again (hashes, no index addresses)
	$(VENV)/bin/uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --python-version 3.11 --extra operator --extra cli pyproject.toml -o requirements/operator.lock
	$(VENV)/bin/uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --python-version 3.11 --extra server pyproject.toml -o requirements/server.lock
	$(VENV)/bin/uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --python-version 3.11 --all-extras --group dev --group examples pyproject.toml -o requirements/dev.lock
