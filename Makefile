# Every target sets itself up: python3, git and make are enough, no root. `make help` lists them.
PYTHON ?= python3
VENV := .venv/bin
# Most of the tests wait for real processes: four at a time keep two cores busy. JOBS=0 is one by one.
JOBS ?= 4

# A caller's settings that would change what runs: packages of elsewhere, and daemons compiled anew at every start
unexport PYTHONPATH PYTHONHOME PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo test check bench bench-peers bench-cameras soak fleet lab chaos power fuzz clean lock demo-ready test-ready

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14

demo: demo-ready ## the whole story on simulated hardware; KEEP=1 stays, with buttons to press
	@$(VENV)/kentongan demo $(if $(filter-out 0,$(KEEP)),--keep)

test: test-ready ## the tests; ONLY=tests/unit runs a part
	@$(VENV)/python -m pytest $(or $(ONLY),tests -n $(JOBS) --dist worksteal) --ignore=tests/bench --ignore=tests/lab

check: test-ready ## what CI runs: format, lint, types, import arrows, tests
	$(VENV)/ruff format --check
	$(VENV)/ruff check
	$(VENV)/mypy
	$(VENV)/lint-imports
	@$(MAKE) --no-print-directory test

soak: test-ready ## three days in ten minutes: 50,000 events, 500 reconnections, nothing may grow
	@$(VENV)/python -m tests.soak

bench: test-ready ## figures beside their baselines, measured in one run
	@$(VENV)/python -m tests.bench

fleet: test-ready ## ten thousand simulated boxes, a restarting broker, a slow centre: figures and claims (15 minutes)
	@$(VENV)/python -m tests.fleet $(ONLY)

bench-peers: test-ready ## the same outage for us, a mosquitto bridge and thingsboard-gateway; EVENTS=500 is a short one
	@$(VENV)/python -m tests.peers $(if $(EVENTS),--events $(EVENTS))

bench-cameras: test-ready ## 54 cameras found and 50 asked, by us and by what others use; RUNS=1 is a short one
	@$(VENV)/python -m tests.peers.cameras $(if $(RUNS),--runs $(RUNS))

lab: test-ready ## real kernel, real GPIO device, real systemd (builds a kernel once: 4 minutes, root)
	@-$(VENV)/python -m tests.lab.build
	@$(VENV)/python -m pytest tests/lab

chaos: test-ready ## 20 real boxes for 10 minutes while everything goes wrong; a planted bug that is noticed; a kill at each call
	@$(VENV)/python -m tests.chaos $(if $(SEED),--seed $(SEED))
	@$(VENV)/python -m tests.chaos --planted --boxes 4 --presses 2000 --minutes 1.5 $(if $(SEED),--seed $(SEED))
	@WALK=all $(VENV)/python -m pytest -s -q tests/daemons/test_every_syscall.py

power: test-ready ## 10,000 rebuilt states of the disk after a power cut; STATES=N for another number
	@STATES=$(or $(STATES),10000) $(VENV)/python -m pytest -s -q tests/power

fuzz: test-ready ## whatever reads strangers' bytes, under atheris; SECONDS_EACH=300
	@$(VENV)/python -m tests.fuzz --seconds $(or $(SECONDS_EACH),300)

clean: ## remove what the other targets made (keeps .cache, which only costs time)
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis *.egg-info
	find . -name __pycache__ -not -path './.cache/*' -prune -exec rm -rf {} +

lock: ## resolve setup.cfg anew into tests/lock*.txt
	@$(PYTHON) tests/bootstrap.py lock

demo-ready test-ready:
	@$(PYTHON) tests/bootstrap.py $(@:-ready=)
