# Each target is one line over a script or swift; CI runs scripts/test and nothing more.
.PHONY: build test check bench format run race
build: ; swift build -c release
test: ; scripts/test --quick
check: ; scripts/test
bench: ; swift run -c release poise bench plan
format: ; swift format -i -r Sources Plugins Tests Package.swift
run: ; scripts/run
# The verifier of Swift 6.3.1's compiler refuses what its own thread sanitizer makes of some pointers.
race: ; swift run --sanitize=thread --scratch-path .build/race \
	-Xswiftc -Xfrontend -Xswiftc -disable-llvm-verify bus-peer threads 3000
