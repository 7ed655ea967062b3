# Tasks. toolchain/setup/start.sh runs them by `trine`, which receives ARGS unchanged.
TASKS = run test iso disk release bench bench-metal soak debug test-kernel

.PHONY: help clean $(TASKS)

help:
	@echo 'make run          build, boot in QEMU with the serial console on this terminal (ctrl-a x leaves)'
	@echo 'make test         build and run all tests; ARGS="kernel" for one suite, ARGS="services/echo" for one folder'
	@echo 'make test-kernel  only the kernel test image in QEMU, on twelve processors'
	@echo 'make iso          build/images/main-development/main.iso, for a CD or, byte by byte, a USB stick'
	@echo 'make disk         build/images/main-development/main.img, a raw disk image'
	@echo 'make release      as iso, signed by TRINE_KEY: a key file, or a command that signs (toolchain/keys/README.md)'
	@echo 'make debug        as run, but waits for gdb, and prints how to start gdb; ARGS="--port 1235" for a second machine'
	@echo 'make bench        measure; writes build/bench/*.json and docs/figures.md'
	@echo 'make bench-metal  build/images/bench-development/bench.iso, which measures cycles on a real machine'
	@echo 'make soak         long seeded tests; ARGS="--slice N" for one slice, ARGS="--list" for their list'
	@echo 'make clean        remove all that was built; fetched tools stay'
	@echo
	@echo 'ARGS is passed to the command: ./trine --help lists all commands, ./trine run --help the options of one.'

$(TASKS):
	@sh toolchain/setup/start.sh $@ $(ARGS)

clean:
	@sh toolchain/setup/clean.sh
