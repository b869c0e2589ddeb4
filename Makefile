.DEFAULT_GOAL := help
.PHONY: help up build test thorough lint bench fuzz clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

up: ## set everything up, start two nodes here, ask them a question; Ctrl-C stops them
	@scripts/up

build: ## build shoal and shoal-engine for use (release)
	@scripts/build

test: ## run every test; the last line counts them
	@scripts/test

thorough: ## run every test with all its rounds: more made-up requests, more kills
	@SHOAL_ROUNDS=all scripts/test

lint: ## check the format of the sources
	@scripts/lint

bench: ## measure the speed and write Benchmarks/results.md
	@scripts/bench

fuzz: ## feed each parser what chance makes, for a minute each
	@scripts/fuzz

clean: ## remove what was built here (the per-user cache stays)
	rm -rf .build
