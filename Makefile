# Names of tasks; what they do stands in toolchain/setup/start.sh and in `trine`. ARGS goes to the command as it is.
TASKS = run test iso disk release bench soak debug test-kernel

.PHONY: help clean $(TASKS)

help:
	@echo 'make run          build, boot in QEMU with the serial console on this terminal (ctrl-a x leaves)'
	@echo 'make test         build and pass everything; ARGS="kernel" for one suite, ARGS="services/echo" for what lies there'
	@echo 'make test-kernel  only the kernel test image in QEMU, on twelve processors'
	@echo 'make iso          build/images/main-development/main.iso, for a CD or, byte by byte, a USB stick'
	@echo 'make disk         build/images/main-development/main.img, a raw disk image'
	@echo 'make release      as iso, signed by TRINE_KEY: a key file, or a command that signs (toolchain/keys/README.md)'
	@echo 'make debug        as run, but waits for gdb, and prints how to start it; ARGS="--port 1235" for a second'
	@echo 'make bench        measures, writes build/bench/*.json and docs/figures.md'
	@echo 'make soak         long seeded tests; ARGS="--slice N" for one slice, ARGS="--list" for their list'
	@echo 'make clean        removes what was built; fetched tools stay'
	@echo
	@echo 'ARGS goes to the command behind the task: ./trine --help lists commands, ./trine run --help its options.'

$(TASKS):
	@sh toolchain/setup/start.sh $@ $(ARGS)

clean:
	@sh toolchain/setup/clean.sh
