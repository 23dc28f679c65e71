# Two commands: `make lab` to learn, `make test` to check everything. `make grade` is for
# instructors, `make labs` and `make lectures` for authors.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/$(if $(filter Windows_NT,$(OS)),Scripts,bin)
PIP := $(BIN)/python -m pip install --disable-pip-version-check --constraint constraints.txt

.PHONY: lab test test-grading labs lectures grade system
.DEFAULT_GOAL := lab

lab: $(VENV)/.lab          ## set up what students need, and open JupyterLab on the course index
	$(BIN)/gentutor lab

test: $(VENV)/.test system ## set up what the tests need, and run them all
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pytest -n logical --maxprocesses 8

test-grading: $(VENV)/.test system ## each planted answer by itself, by plain nbgrader and by gentutor grade: an hour of CPU
	$(BIN)/python tools/grade_the_grader.py

labs: $(VENV)/.lab         ## write labs/ anew from solutions/
	$(BIN)/nbgrader generate_assignment --assignment='*' --force

grade: $(VENV)/.lab        ## marks for what a class handed in: make grade UNIT=01 FROM=moodle.zip
	$(BIN)/gentutor grade $(UNIT) '$(FROM)' $(ARGS)

lectures: $(VENV)/.lab     ## run the lectures and keep their outputs
	$(BIN)/python tools/run_lectures.py course/*.ipynb

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; $(PYTHON) is $$($(PYTHON) --version). Name another: make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || sh tools/system-packages python3-venv
	$(PYTHON) -m venv $(VENV)

$(VENV)/.lab: $(BIN)/python pyproject.toml constraints.txt
	@echo "Setting up $(VENV). The first time this fetches some 3 GB (PyTorch) and takes a few minutes."
	$(PIP) --editable .
	@touch $@

$(VENV)/.test: $(VENV)/.lab
	$(PIP) --editable '.[test]'
	@touch $@

system:
	@sh tools/system-packages chromium bubblewrap
