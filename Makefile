# callbox: make help lists the targets.
SHELL := /bin/bash
.DEFAULT_GOAL := help

# Debian's Go is set to its own toolchain only; go.mod names the one we need.
export GOTOOLCHAIN ?= auto
export GOFLAGS ?=
export CGO_ENABLED := 1

# Debian 13 names the library of media/echo by its generation.
ifneq ($(shell pkg-config --exists webrtc-audio-processing-1 2>/dev/null && echo yes),)
export PKG_CONFIG_PATH := $(CURDIR)/packaging/pkgconfig:$(PKG_CONFIG_PATH)
endif

STEP := .ci/step
BIN := build/bin
RACE := build/race
PHONE := signaling/phone
# What callbox is compared with.
GST_SENDER := build/bench/gstsender
GST_SOURCES := cmd/callboxd/e2e/gstsender
GST_PACKAGES := gstreamer-webrtc-1.0 gstreamer-sdp-1.0 gstreamer-app-1.0
# What others do, before our own building begins.
LOAD := $(shell cut -d ' ' -f 1 /proc/loadavg)
# Asked once: what is not committed may change meanwhile.
ifndef VERSION
VERSION := $(shell packaging/version)
endif
# The earliest time that a device with this program may believe in.
ifndef SOURCE_DATE_EPOCH
SOURCE_DATE_EPOCH := $(shell packaging/version --epoch)
endif
LDFLAGS := -s -w -X callbox/daemon/control.version=$(VERSION) -X callbox/hal/clock.built=$(SOURCE_DATE_EPOCH)
GOLANGCI := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
PHONE_SOURCES := $(shell find $(PHONE)/src $(PHONE)/page $(PHONE)/worker $(PHONE)/scripts -type f 2>/dev/null) $(PHONE)/package.json $(PHONE)/package-lock.json

help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

run: setup-build build ## install what is missing, build, and start a device to call from a browser
	@packaging/examples/demo.sh

test: ## install what the tests need and run them all (23 minutes on 2 cores)
	@start=$$(date +%s); \
	$(STEP) "set-up" .ci/setup test && \
	$(MAKE) --no-print-directory check e2e && \
	echo "all passed in $$(( $$(date +%s) - start )) s"

check: $(PHONE)/node_modules/.installed ## format, vet, lint, unit tests under the race detector, phone tests
	@$(STEP) "phone: types" npm --prefix $(PHONE) run --silent typecheck
	@$(STEP) "phone: lint" npm --prefix $(PHONE) run --silent lint
	@$(STEP) "phone: manual" $(MAKE) --no-print-directory phone-docs
	@$(STEP) "phone: build" $(MAKE) --no-print-directory phone
	@$(STEP) "phone: sizes" node $(PHONE)/scripts/sizes.mjs
	@$(STEP) "phone: tests" npm --prefix $(PHONE) test --silent
	@$(STEP) "go: format" .ci/gofmt
	@$(STEP) "go: build" $(MAKE) --no-print-directory build
	@$(STEP) "go: lint" go run $(GOLANGCI) run ./...
	@$(STEP) "go: tests" go test -race -count=1 ./...
	@$(STEP) "go: cost of a refusal" go test -run '^$$' -bench ForgedInvite -benchtime 500x ./signaling
	@$(STEP) "go: cost of a JPEG picture" go test -run '^$$' -bench Decode -benchtime 500x ./hal/jpeg
	@$(STEP) "go: echo and drift" go test -count=1 ./media/echo ./media/playout
	@$(STEP) "go: C and C++" $(MAKE) --no-print-directory asan
	@$(STEP) "go: sound server" go test -tags=pulse -count=1 ./hal/sound/...

e2e: build hwenc $(RACE)/callboxd ## a real browser calls the real daemon (E2E=flags of the test binary)
	@$(STEP) "end to end" .ci/e2e $(E2E)

build: $(BIN)/callboxd $(BIN)/callboxctl ## build the daemon and the command line into build/bin

# For one of the end-to-end tests. Its packages are those that go test -race has built.
.PHONY: $(RACE)/callboxd
$(RACE)/callboxd: phone
	@$(STEP) "build with the race detector" go build -race -buildvcs=false -o $@ ./cmd/callboxd

.PHONY: $(BIN)/callboxd $(BIN)/callboxctl
$(BIN)/callboxd $(BIN)/callboxctl: phone
	@mkdir -p $(BIN)
	go build -trimpath -buildvcs=false -ldflags '$(LDFLAGS)' -o $@ ./cmd/$(@F)

# Where callboxd of build/bin looks for it: see avcodec.Path.
PLUGIN := build/lib/$(shell gcc -print-multiarch 2>/dev/null)/callbox/callbox-avcodec.so
hwenc: $(PLUGIN) ## build the hardware encoders for callboxd of build/bin, with this release's libavcodec
$(PLUGIN): $(wildcard media/codec/avcodec/*.h media/codec/avcodec/plugin/*)
	media/codec/avcodec/plugin/build $@

phone: $(PHONE)/dist/index.html ## build the call page into signaling/phone/dist

phone-docs: $(PHONE)/node_modules/.installed ## write the SDK's manual into build/phone-docs; a name without a comment is an error
	npm --prefix $(PHONE) run --silent docs

$(PHONE)/dist/index.html: $(PHONE)/node_modules/.installed $(PHONE_SOURCES)
	npm --prefix $(PHONE) run --silent build

$(PHONE)/node_modules/.installed: $(PHONE)/package.json $(PHONE)/package-lock.json
	@$(STEP) "npm packages" npm --prefix $(PHONE) ci --no-audit --no-fund
	@touch $@

deb: setup-deb phone ## build the Debian package for this release and architecture into build/deb
	@$(STEP) "debian package" env VERSION=$(VERSION) SOURCE_DATE_EPOCH=$(SOURCE_DATE_EPOCH) packaging/make-deb build/deb

debs: setup-package phone ## build packages for bookworm and trixie, amd64, arm64 and armhf, into build/debs (root; DEBS=trixie/arm64 for one)
	@VERSION=$(VERSION) SOURCE_DATE_EPOCH=$(SOURCE_DATE_EPOCH) packaging/make-debs $(DEBS)

test-package: phone ## the life of the package in a real systemd, on bookworm and trixie, and the same package built twice (root; 6 to 9 minutes)
	@$(STEP) "package: set-up" .ci/setup package
	@$(STEP) "package: its life in a real systemd" env VERSION=$(VERSION) SOURCE_DATE_EPOCH=$(SOURCE_DATE_EPOCH) packaging/test-package

test-reproducible: setup-package phone ## build the packages for trixie twice and compare them byte for byte (root; part of test-package)
	@$(STEP) "packages for trixie" env VERSION=$(VERSION) SOURCE_DATE_EPOCH=$(SOURCE_DATE_EPOCH) packaging/make-debs trixie/$$(dpkg --print-architecture)
	@$(STEP) "the same packages again" env VERSION=$(VERSION) SOURCE_DATE_EPOCH=$(SOURCE_DATE_EPOCH) packaging/test-reproducible

test-long: ## the call machine: 2,000,000 random events against every invariant, and a minute of fuzzing
	@$(STEP) "call machine: events" go test -count=1 -run TestInvariants -v ./daemon/call -call.events=2000000
	@$(STEP) "call machine: fuzzing" go test -run '^$$' -fuzz FuzzStep -fuzztime 60s ./daemon/call

fuzz: ## run every fuzz target for FUZZTIME (default 30s)
	@.ci/fuzz $(or $(FUZZTIME),30s)

asan: ## the tests of what is written in C and C++, under AddressSanitizer
	CGO_CXXFLAGS="-O2 -g -fsanitize=address" go test -asan -short -count=1 -skip TestMemoryIsGivenBack $$(go list -f '{{if .CgoFiles}}{{.ImportPath}}{{end}}' ./...)
	go test -asan -count=1 -run KeyframeRequestsRaceHangUp ./media

echo: setup-test ## the table of both echo cancellers (ECHO=-echo.rooms=20 for more rooms)
	go test -count=1 -v -run Table ./media/echo -echo.long $(ECHO)

bench: setup-bench build $(GST_SENDER) ## whole calls with a browser, and those of GStreamer's webrtcbin in turn: the table of docs/benchmarks.md (15 minutes; BENCH=flags)
	@$(STEP) "echo" go test -count=1 -run Table ./media/echo -echo.json=$(CURDIR)/build/echo.json
	go test -tags='e2e bench' -run TestBench -count=1 -timeout=60m -v ./cmd/callboxd/e2e/ -bench.load=$(LOAD) $(BENCH)

$(GST_SENDER): $(wildcard $(GST_SOURCES)/*.c $(GST_SOURCES)/*.h) | setup-bench
	@mkdir -p $(@D)
	$(CC) -std=gnu11 -O2 -Wall -Wextra -Werror $$(pkg-config --cflags $(GST_PACKAGES)) -o $@ $(filter %.c,$^) $$(pkg-config --libs $(GST_PACKAGES))

bench-packages: setup-test ## run the benchmarks of the packages
	go test -run '^$$' -bench . -benchmem ./...

screenshots: setup-pictures build ## pictures of every screen of the call page in build/screens
	go test -tags=e2e,screenshots -run 'TestPage|TestRingTone|TestOffline|TestUntrusted|TestChangedKey' -count=1 -timeout=20m ./cmd/callboxd/e2e/

test-device: setup-device setup-package build ## drivers, calls and the installed package in virtual machines with a V4L2 camera and an ALSA card; RIG=path of the rig script, LONG=1 for a call of 10 minutes
	@test -n "$(RIG)" || { echo "make test-device: set RIG to the rig script, for example make test-device RIG=../rig/rig" >&2; exit 2; }
	VERSION=$(VERSION) SOURCE_DATE_EPOCH=$(SOURCE_DATE_EPOCH) packaging/make-debs bookworm/amd64 trixie/amd64
	RIG=$(abspath $(RIG)) go test -tags=device -count=1 -timeout=45m -v -run TestDevice ./cmd/callboxd/e2e/ -device.talk=$(if $(LONG),10m,2m)

test-network: setup-test build ## a call over roads that lose, delay and change, measured by Chromium (8 minutes; root)
	go test -tags='e2e network' -count=1 -timeout=20m -v -run TestNetwork ./cmd/callboxd/e2e/

test-limit: setup-test build ## 200 limited calls while twice as many threads are busy as there are cores (7 minutes; LIMIT=-limit.calls=20 for fewer)
	go test -tags='e2e load' -count=1 -timeout=30m -v -run TestLoadLimit ./cmd/callboxd/e2e/ $(LIMIT)

test-calls: setup-test build ## 1,000 calls with media in a row: a table, and build/calls.svg, of what the daemon uses (20 minutes; CALLS=-calls.many=300 for fewer)
	go test -tags='e2e load' -count=1 -timeout=60m -v -run TestLoadCalls ./cmd/callboxd/e2e/ $(CALLS)

test-sound: setup-test ## the sound driver against a private PulseAudio
	go test -tags=pulse -count=1 ./hal/sound/...

fmt: ## format the Go code
	gofmt -w cmd daemon media signaling hal

clean: ## remove what was built
	rm -rf build $(PHONE)/node_modules
	find $(PHONE)/dist -mindepth 1 ! -name .gitignore -delete

setup-build:
	@.ci/setup build
setup-test:
	@.ci/setup test
setup-pictures:
	@.ci/setup pictures
setup-device:
	@.ci/setup device
setup-deb:
	@.ci/setup deb
setup-package:
	@.ci/setup package
setup-bench:
	@.ci/setup bench

.PHONY: help run hwenc asan echo test test-long check e2e build phone phone-docs fuzz bench bench-packages screenshots test-device test-network test-limit test-calls test-sound fmt clean setup-build setup-test setup-pictures setup-device deb test-reproducible setup-deb debs test-package setup-package setup-bench
