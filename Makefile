# The same commands as in README.md, for people whose fingers type make.
.PHONY: run check test lock

run:
	python3 bootstrap.py run

check:
	python3 bootstrap.py check

test:
	python3 bootstrap.py test -n auto

# After a change of dependencies in pyproject.toml (needs uv): pins and hashes, no index named.
lock:
	uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url -q -o requirements.lock
	uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url -q -o requirements-dev.lock
