# make studio: the page. make demo: a film from the sample story. make test: every test. All set up .venv first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STORY := presets/stories/to-the-sea.json
STILLS := assets/stills
EXTRAS := $(shell command -v nvidia-smi >/dev/null 2>&1 && nvidia-smi -L >/dev/null 2>&1 && echo "[gpu]")

.PHONY: setup studio demo test check types cases bench bench-gpu docs audiocraft soak clean

setup: $(VENV)/.ready

$(VENV)/.ready: pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; say which: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --upgrade pip
	$(if $(EXTRAS),$(BIN)/pip install --quiet torch==2.13.0)
	$(BIN)/pip install --quiet --editable '.$(EXTRAS)'
	touch $@

# torch comes first and by itself: where a build for this machine lies at hand, its exact version takes it.
$(VENV)/.tested: $(VENV)/.ready
	$(BIN)/pip install --quiet torch==2.13.0
	$(BIN)/pip install --quiet --editable '.[gpu,dev]'
	touch $@

$(VENV)/.clients: tests/clients/get.py | $(VENV)/.ready
	$(BIN)/python tests/clients/get.py $(VENV)/clients
	touch $@

demo: setup
	$(BIN)/reelwright render $(STORY) --pictures $(STILLS) -o demo.mp4

studio: setup
	$(BIN)/python app.py

test: $(VENV)/.ready
	$(MAKE) --no-print-directory --jobs 2 $(VENV)/.tested $(VENV)/.clients
	$(BIN)/ruff check .
	$(MAKE) --no-print-directory --jobs 2 types cases

types: $(VENV)/.tested
	$(BIN)/mypy

# A film that a studio makes gives way to others (nice 5, its encoders 19): beside tests that do not it would wait for ever.
cases: $(VENV)/.tested $(VENV)/.clients
	nice -n 14 $(BIN)/python -m pytest --numprocesses 4 --dist loadfile --no-loadscope-reorder --durations 12

check: $(VENV)/.tested
	$(BIN)/ruff check .
	$(BIN)/mypy

soak: $(VENV)/.tested $(VENV)/.clients
	$(BIN)/python -m pytest -m soak -o addopts="-q"

bench: $(VENV)/.tested
	$(BIN)/python tests/bench/bench.py
	$(BIN)/python tests/bench/page.py

bench-gpu: $(VENV)/.tested
	$(BIN)/python tests/bench/bench_gpu.py $(ARGS)

docs: $(VENV)/.tested
	PYTHONPATH=. $(BIN)/python tests/docs.py

audiocraft: setup
	$(BIN)/pip install --quiet torch==2.13.0
	$(BIN)/pip install --quiet --no-deps audiocraft==1.3.0
	$(BIN)/pip install --quiet einops omegaconf julius num2words 'av>=12' spacy sentencepiece librosa flashy torchmetrics
	@echo "audiocraft is there. pip check will go on naming its own pins; Reelwright uses it without xformers and torchaudio."

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
