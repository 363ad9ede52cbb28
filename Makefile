# make demo    watch simulated storms arrive: no key, no token, no network
# make test    run all tests
# make setup   make the virtual environment .venv (the others do it too) and compile the hot path (they do not)
# make check   lint, types and import rules
# make demo-bot  chat with the command bot in this terminal: no key, no token, no network
# make locale  collect the texts of the command bot for the translators, and compile the catalogues
# make docs    write docs/COMMANDS.md anew

PYTHON ?= python3
PIP_INSTALL = .venv/bin/python -m pip install --quiet --disable-pip-version-check
DEV = $$(.venv/bin/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]["dev"])')
PYTEST_ARGS ?= -n auto --dist loadfile --no-loadscope-reorder

.PHONY: setup demo demo-bot locale docs test check clean

setup: .venv/.ready
	@.venv/bin/python -m ws_alert.compiler

.venv/.ready: requirements.txt pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "Python is missing. Type: sudo apt install python3 python3-venv" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "TELEGLAS needs Python 3.11 or newer, and $(PYTHON) is $$($(PYTHON) -V). Type: make $(MAKECMDGOALS) PYTHON=/path/to/a/newer/python3" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "Python's venv module is missing. Type: sudo apt install python3-venv" >&2; exit 1; }
	@test -x .venv/bin/python || { echo "Making .venv"; $(PYTHON) -m venv .venv; }
	@echo "Installing the libraries of requirements.txt into .venv (about a minute)"
	@$(PIP_INSTALL) -r requirements.txt $(DEV) || { echo "The libraries could not be installed: see above. Is the package index reachable?" >&2; exit 1; }
	@touch $@

demo: .venv/.ready
	@.venv/bin/python -m simulator.demo

demo-bot: .venv/.ready
	@.venv/bin/python -m simulator.chat

locale: .venv/.ready
	.venv/bin/pybabel -q extract -k say:1 -k count:1,2 -k phrase:1 --no-location --sort-output -o teleglas/locale/bot.pot bot
	for language in en id ru zh; do .venv/bin/pybabel -q update --no-fuzzy-matching --ignore-obsolete --ignore-pot-creation-date -D bot -l $$language -i teleglas/locale/bot.pot -d teleglas/locale; done
	rm teleglas/locale/bot.pot
	.venv/bin/pybabel -q compile -D bot -d teleglas/locale

docs: .venv/.ready
	.venv/bin/python -m bot.commands.manual > docs/COMMANDS.md.part && mv docs/COMMANDS.md.part docs/COMMANDS.md

test: .venv/.ready
	.venv/bin/python -m pytest $(PYTEST_ARGS)

check: .venv/.ready
	.venv/bin/ruff check .
	.venv/bin/mypy --strict
	.venv/bin/lint-imports

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
