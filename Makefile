# SPDX-License-Identifier: GPL-2.0-or-later
# The front door. It only names CMake presets and what to run; `make help` lists the doors.
.DEFAULT_GOAL := build
.PHONY: help setup build audit test test-unit test-fuzz test-vm test-vm-short test-long check format tidy tidy-deep golden bench lab peers dataplane tsan debug clean

help:
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 20

setup:
	@tools/setup

build: setup ## build/netwright, optimised
	@test -f build/build.ninja || cmake --preset release >/dev/null
	@cmake --build --preset release --target netwright

audit: build ## install what is missing, build, audit this host
	@build/netwright audit

debug: setup ## build-debug/, for working on netwright
	@cmake --preset debug >/dev/null && cmake --build --preset debug

test-unit: setup ## the minute's worth to run all day
	@cmake --preset debug >/dev/null && cmake --build --preset debug --target unit_tests && build-debug/tests/unit_tests

# Everything CI runs: style, the release build (g++), the short scenarios on two kernels in virtual machines, then every
# test and fuzz target with sanitizers on. That build is clang's: it compiles the same sources with both sanitizers in
# half of g++'s time, and is the one libFuzzer needs.
test: setup check build test-vm-short ## everything CI runs
	@cmake --preset asan >/dev/null
	@cmake --build --preset asan
	@ctest --test-dir build-asan -j "$$(nproc)" --output-on-failure

check: format-check tidy ## format, clang-tidy
.PHONY: format-check vm
format-check: setup
	@tools/check-format

tidy: setup
	@cmake --preset release >/dev/null && cmake --build --preset release --target netwright >/dev/null
	@tools/check-tidy build -clang-analyzer-*

# The path-following half of clang-tidy takes two thirds of its time.
tidy-deep: setup ## clang-tidy with the static analyzer
	@cmake --preset release >/dev/null && cmake --build --preset release --target netwright >/dev/null
	@tools/check-tidy build

format: setup ## rewrite every file as clang-format wants it
	@git ls-files '*.h' '*.cpp' '*.c' | xargs clang-format-19 -i

test-fuzz: setup ## every fuzz target for a fixed number of inputs
	@cmake --preset asan >/dev/null
	@cmake --build --preset asan --target fuzz_targets
	@ctest --test-dir build-asan -L fuzz -j "$$(nproc)" --output-on-failure --no-tests=error

# Debian's kernels 6.1 and 6.12 in emulated machines: four CPUs on two NUMA nodes, interfaces with many queues.
vm: setup
	@tools/setup-vm
	@cmake --preset release -DNETWRIGHT_VM=ON >/dev/null
	@cmake --build --preset release --target vm

test-vm: vm ## every scenario in virtual machines
	@ctest --test-dir build -L vm --output-on-failure --no-tests=error

test-vm-short: vm ## the scenarios that CI runs there
	@ctest --test-dir build -j 2 -L vm-short --output-on-failure --no-tests=error

test-long: tidy-deep ## the static analyzer, and fuzzing for longer (FUZZ_RUNS inputs each)
	@cmake --preset fuzz -DFUZZ_RUNS=$${FUZZ_RUNS:-2000000} >/dev/null
	@cmake --build --preset fuzz --target fuzz_targets
	@ctest --test-dir build-fuzz -L fuzz --output-on-failure --timeout 7200

golden: setup ## refresh expected files of tests/cases, to be read as a diff
	@cmake --preset debug >/dev/null && cmake --build --preset debug --target unit_tests
	@NETWRIGHT_GOLDEN=refresh build-debug/tests/unit_tests -tc='golden*' && git diff --stat tests/cases

bench: setup ## measure netwright beside its peers
	@cmake --preset release >/dev/null && cmake --build --preset release
	@for program in build/bench/*_bench; do echo "== $$program"; $$program || exit 1; done

lab: setup ## what plans gain on emulated paths, beside defaults, a recipe and tuned (about an hour; needs root)
	@cmake --preset release >/dev/null && cmake --build --preset release --target outcome
	@build/bench/outcome --json build/outcome.json --html build/outcome.html

peers: setup ## the traffic engine beside iperf3, netperf, sockperf and neper (needs root)
	@cmake --preset release >/dev/null && cmake --build --preset release --target peers
	@build/bench/peers

# PEERS="--katran DIR --bpfilter BFCLI --synproxy FILE": where they were built (docs/dataplane-bench.md)
dataplane: setup ## a packet's cost in filter and balancer, beside xdp-filter, nftables, HAProxy and PEERS (needs root)
	@cmake --preset release >/dev/null && cmake --build --preset release --target dataplane
	@build/bench/dataplane $(PEERS)

tsan: setup ## unit tests under the thread sanitizer
	@cmake --preset tsan >/dev/null && cmake --build --preset tsan --target unit_tests && build-tsan/tests/unit_tests

clean: ## remove every build directory
	@rm -rf build build-debug build-asan build-tsan build-fuzz build-clang
