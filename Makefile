# Each target is one line over a script or swift; CI runs scripts/test and nothing more.
.PHONY: build test check bench format run
build: ; swift build -c release
test: ; scripts/test --quick
check: ; scripts/test
bench: ; swift run -c release poise bench plan
format: ; swift format -i -r Sources Plugins Tests Package.swift
run: ; scripts/run
