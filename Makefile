# Two doors: `make study` regenerates every table and figure, `make test` checks the project.
# SIZE is smoke, class (default) or desk; CORES the cores a study may use. (Five notebooks have a set of size paper too.)

PYTHON ?= $(shell command -v python3.11 || command -v python3)
SIZE ?= class
CORES ?= all
VENV := .venv
RUN := $(VENV)/bin/python -m
READY := $(VENV)/.installed
FLOW := --snakefile workflow/Snakefile --cores $(CORES) --config size=$(SIZE)

.PHONY: study plan test lab book pair class lock diagram readme bench clean help

help:                ## what there is to make
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/  /'

study: $(READY)      ## regenerate every table and figure at SIZE, then write the report
	@$(RUN) snakemake $(FLOW) --quiet all; status=$$?; \
	$(RUN) nbsupport report --size $(SIZE); exit $$status

plan: $(READY)       ## say what `make study` would run, and why
	@$(RUN) snakemake $(FLOW) --dry-run --quiet host progress

# A second thread costs the small arrays of tests more than it gives them, and notebooks run beside on all cores.
test: export OMP_NUM_THREADS ?= 1
test: $(READY)       ## run all tests, the notebooks at smoke size included
	$(RUN) pytest $(PYTEST)

lab: $(READY)        ## open the notebooks in JupyterLab
	$(RUN) jupyter lab --notebook-dir=notebooks

pair: $(READY)       ## execute the sources at class size and write their .ipynb halves
	$(RUN) nbsupport pair

class: $(READY)      ## write the notebooks for a class, with and without solutions: class/teacher, class/student
	$(RUN) nbsupport class

bench: $(READY)      ## measure every speed that the study promises, as ratios, into figures/bench
	$(RUN) tests.bench $(BENCH)

book: $(READY)       ## build the notebooks as a site: book/_build/html/index.html
	$(RUN) sphinx -W --keep-going -q -b html book book/_build/html
	@echo "book: book/_build/html/index.html"

diagram: $(READY)    ## redraw the dataflow from the Snakefile
	$(RUN) nbsupport diagram

readme: $(READY)     ## write the verdicts and the measured times into the README
	$(RUN) nbsupport readme

lock:                ## resolve every version again and write requirements.lock
	$(VENV)/bin/uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 --upgrade \
	    --generate-hashes --no-header --no-annotate -o requirements.lock

clean:               ## remove executed notebooks, their figures (not those of desk) and the built book; what was trained stays
	rm -rf data/runs book/_build .snakemake figures/smoke figures/class figures/custom

# The packages are compiled here, once: where PYTHONDONTWRITEBYTECODE is set, every job would compile its imports again.
$(READY): requirements.lock pyproject.toml
	@test -n "$(PYTHON)" && "$(PYTHON)" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' \
	    || { echo "make: this study needs Python 3.11; name it with PYTHON=/path/to/python3.11"; exit 1; }
	"$(PYTHON)" -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check "$$(sed -n 's/^\(uv==[^ ]*\).*/\1/p' requirements.lock)"
	$(VENV)/bin/uv pip install --quiet --compile-bytecode --python $(VENV)/bin/python --require-hashes -r requirements.lock
	$(VENV)/bin/uv pip install --quiet --python $(VENV)/bin/python --no-deps --no-build-isolation --editable .
	@touch $(READY)
