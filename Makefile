# The commands of the house. `make help` lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: help demo run test clients check lock clean

help: ## This list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(READY): locks/all.txt pyproject.toml
	@command -v $(PYTHON) >/dev/null \
		|| { echo "There is no $(PYTHON) here. cdp needs Python 3.11 or newer. On Debian: apt-get install python3 python3-venv"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "cdp needs Python 3.11 or newer; $(PYTHON) is older. Run: make PYTHON=/path/to/python3.11"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null \
		|| { echo "$(PYTHON) cannot make virtual environments. On Debian: apt-get install python3-venv"; exit 1; }
	@$(PYTHON) -m venv $(VENV) \
		|| { echo "Could not make a virtual environment in $(VENV); the lines above say why."; exit 1; }
	@echo "Installing the pinned packages into $(VENV); the first time takes a minute or two."
	@$(BIN)/python -m pip install --disable-pip-version-check -q --require-hashes --no-deps --only-binary :all: -r locks/all.txt \
		|| { echo "Installing the pinned packages failed; the lines above say which one. Nothing was skipped."; exit 1; }
	@$(BIN)/python -m pip install --disable-pip-version-check -q --no-deps --no-build-isolation -e . \
		|| { echo "Installing cdp itself failed; the lines above say why."; exit 1; }
	@touch $(READY)

demo: $(READY) ## The whole story on real parts, with a scorecard
	@$(BIN)/cdp demo

run: $(READY) ## API, worker and keeper on the embedded database with the demo's data
	@$(BIN)/cdp run

test: $(READY) clients ## The whole test suite
	@# Many tests start commands: they find our modules compiled. Three at a time, for many wait.
	@PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n 3

clients: $(READY) ## Build the clients that the tests run; says what is missing
	@$(BIN)/python tests/clients/building.py

check: $(READY) ## ruff, mypy --strict, import-linter
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

lock: ## Pin the newest versions anew (needs uv)
	@uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --all-extras pyproject.toml -o locks/all.txt
	@uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -c locks/all.txt pyproject.toml -o locks/runtime.txt

clean: ## Forget the environment and the embedded database
	rm -rf $(VENV) var
