# The two commands a newcomer needs: `make run` and `make test`. Each does all set-up.
SWIFT ?= swift
.PHONY: help setup build run test check bench install clean

help:
	@echo "make run     set up, build and start the server on an embedded local store"
	@echo "make test    set up, build and run all tests"
	@echo "make check   format, lint, linkage and house rules"
	@echo "make bench   the benchmark table (see Benchmarks/README.md)"
	@echo "make clean   remove what the build made"

setup:
	@scripts/setup.sh

build: setup
	$(SWIFT) build -c release --product blobrpcd
	$(SWIFT) build -c release --product blobctl

run: build
	@scripts/run.sh $(ARGS)

test: setup
	$(SWIFT) build --build-tests
	$(SWIFT) build --product blobrpcd
	$(SWIFT) build --product blobctl
	scripts/test.sh $(ARGS)

check: setup
	scripts/check.sh

bench: build
	Benchmarks/run.sh $(ARGS)

clean:
	rm -rf .build .build-* Benchmarks/.build Benchmarks/.build-s3 Benchmarks/bin
