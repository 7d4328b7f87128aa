# Every verb stands alone: it does its own set-up and says what it does.
SHELL := /bin/bash
SEED ?= 1
RUNS ?= 1000
SECONDS ?= 60
PREFIX ?= /usr/local
DESTDIR ?=
MODEL ?= huawei-e3131
LINK ?= /tmp/modemsmith-stick
BENCH ?= smith-bench
# What is measured is linked as what is installed (Docs/Decisions/0016-linked-for-starting.md).
RELEASE := -c release --static-swift-stdlib
# Which tests to run; all, if empty.
FILTER ?=
# Which scenarios of the lab to run; all, if empty.
ONLY ?=
LINTED = $(wildcard Sources Tests Benchmarks Fuzz Package.swift)

.DEFAULT_GOAL := help
.PHONY: help setup demo test check lint format bench storm fuzz lab docs sim install

help: ## show the verbs
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' Makefile

setup: ## install the few system packages that are missing (apt), say why
	@Scripts/setup.sh

demo: setup ## update a simulated Huawei E3131 from start to end
	@Scripts/demo.sh

test: setup ## build everything and run all tests (FILTER=Name runs some)
	swift build --build-tests
	swift test --skip-build $(if $(FILTER),--filter $(FILTER))

check: setup ## build, and fail on any import the manifest does not allow
	swift build --build-tests --explicit-target-dependency-import-check error

lint: ## check the form of all Swift files; changes nothing
	swift format lint --strict --parallel --recursive --configuration .swift-format $(LINTED)

format: ## bring all Swift files into form
	swift format --in-place --parallel --recursive --configuration .swift-format $(LINTED)

bench: ## measure parsers, links, archives and whole updates (release build)
	@Scripts/setup.sh bench
	swift build $(RELEASE) --package-path Benchmarks --product modemsmith
	swift run $(RELEASE) --package-path Benchmarks $(BENCH)

storm: setup ## whole updates in bad weather: make storm SEED=1 RUNS=1000
	swift run $(RELEASE) --package-path Benchmarks smith-storm --seed $(SEED) --runs $(RUNS)

fuzz: setup ## feed the parsers with broken input: make fuzz SECONDS=60 (for each)
	@Scripts/fuzz.sh $(SECONDS)

docs: setup ## check links, cited sections, trouble pages and decision pages
	swift test --filter HouseTests

sim: setup ## serve a simulated stick on a PTY: make sim MODEL=huawei-e3131 LINK=/tmp/modemsmith-stick
	swift run modemsmith sim $(MODEL) --link $(LINK)

lab: ## real kernel, drivers, udev and ModemManager in QEMU: make lab, or make lab ONLY="smoke update"
	@Scripts/lab/lab.sh $(ONLY)

install: setup ## build for release and install: make install PREFIX=/usr/local
	@Scripts/install.sh "$(DESTDIR)" "$(PREFIX)"
