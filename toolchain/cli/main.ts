/** The command `trine`: its commands and options. The code of a command is loaded when it runs. */
import { Command, CommanderError } from "commander";
import type { Act } from "../run/conversation.ts";
import { reportFailure } from "./failure.ts";
import type { RunFlags } from "./run.ts";

const program = new Command("trine")
  .description("Builds, runs and examines Trine, a microkernel operating system for x86-64.")
  .option("--json", "print results and progress as JSON, one object per line")
  .exitOverride()
  .showHelpAfterError("(trine --help lists all commands)");

/** Options that may be repeated and whose common order matters. */
const acts: Act[] = [];
const act =
  (kind: Act["kind"]) =>
  (text: string): string => {
    acts.push({ kind, text });
    return text;
  };

const json = (): boolean => program.opts<{ json?: boolean }>().json === true;

program
  .command("build")
  .description("build an image")
  .argument("[image]", "a name from images/", "main")
  .option("--medium <kind>", "what to write: iso, disk or kernel", "iso")
  .option("--release", "sign with TRINE_KEY and leave the development key out of the kernel")
  .option(
    "--without <guard>",
    "switch one guard of the kernel off, for tests: see kernel/base/guards.ts",
  )
  .action(
    async (image: string, options: { medium: string; release?: boolean; without?: string }) => {
      const { build } = await import("./build.ts");
      await build(image, { ...options, json: json() });
    },
  );

program
  .command("check")
  .description("check an image, its manifests and its policy, without compiling")
  .argument(
    "[subject]",
    "a name from images/, or a policy file, which is checked with each image that names it",
    "main",
  )
  .action(async (subject: string) => {
    const { check } = await import("./check.ts");
    await check(subject, { json: json() });
  });

const policy = program.command("policy").description("lay out and question policies");
policy
  .command("fmt")
  .description("lay out policy files")
  .argument("<files...>", "policy files")
  .option("--check", "change nothing, and fail if a file is laid out otherwise")
  .action(async (files: readonly string[], options: { check?: boolean }) => {
    const { formatFiles } = await import("./policy.ts");
    formatFiles(files, { check: options.check === true });
  });
policy
  .command("explain")
  .description("say what the policy of an image says of a call, and by which rule")
  .argument("<call>", "for example 'Shell -> Console.write(length(text) = 3)'")
  .argument("[image]", "a name from images/", "main")
  .action(async (call: string, image: string) => {
    const { explain } = await import("./policy.ts");
    await explain(call, { image, json: json() });
  });

program
  .command("run")
  .description(
    "build an image and boot it in QEMU, its serial console on this terminal (ctrl-a x leaves)",
  )
  .argument("[image]", "a name from images/", "main")
  .option("--medium <kind>", "what to boot from: iso, disk or kernel", "iso")
  .option("--memory <MiB>", "memory of the machine")
  .option("--cpu <model>", "QEMU's CPU model, for example max,-smap")
  .option("--kvm", "use the host's virtualization")
  .option("--debug", "wait for gdb before the first instruction")
  .option(
    "--port <port>",
    "with --debug: the TCP port for gdb (default 1234); each machine needs its own",
  )
  .option(
    "--type <line>",
    "instead of a terminal: wait for the prompt, then type the line and Enter; may be repeated",
    act("type"),
  )
  .option(
    "--until <text>",
    "wait for the text after the last typed line; may be repeated, in order with --type",
    act("until"),
  )
  .option(
    "--timeout <seconds>",
    "limit of each of these waits (default 60); a text that does not come in time is an error",
  )
  .addHelpText(
    "after",
    "\nWith --type or --until the console goes to standard output as plain lines, and the machine ends behind the last of them:\n  trine run --type domains --until 'trine>'",
  )
  .action(async (image: string, options: Omit<RunFlags, "acts">) => {
    const { run } = await import("./run.ts");
    await run(image, { ...options, acts, json: json() });
  });

program
  .command("test")
  .description("build and run all tests, or the suites or paths named")
  .argument(
    "[suites...]",
    "names from `trine test --list`, or paths of tests, for example services/echo",
  )
  .option("--list", "list the suites")
  .option("--results <folder>", "where results.xml (JUnit) and results.tap go", "build/test")
  .action(async (suites: string[], options: { list?: boolean; results: string }) => {
    const { test } = await import("./test.ts");
    await test(suites, { ...options, json: json() });
  });

program
  .command("soak")
  .description("run the long tests: seeded, resumable, in slices")
  .option("--list", "list the slices")
  .option("--slice <slice>", "one slice, by name or by number (modulo their count)")
  .option("--minutes <minutes>", "time for each slice", "20")
  .option("--seed <seed>", "the first seed, instead of the one after the last run")
  .option("--iterations <count>", "stop after this many seeds")
  .action(async (options: SoakFlags) => {
    const { soak } = await import("./soak.ts");
    await soak({ ...options, json: json() });
  });

program
  .command("fuzz")
  .description("compile random functions, and compare their results with Node's WebAssembly engine")
  .option("--seed <seed>", "a seed names the same functions on every machine", "1")
  .option(
    "--functions <count>",
    "how many functions; a selection rule that is never used is a failure",
    "10000",
  )
  .action(async (options: { seed: string; functions: string }) => {
    const { fuzz } = await import("./fuzz.ts");
    await fuzz({ ...options, json: json() });
  });

program
  .command("bench")
  .description("measure; writes build/bench/*.json and docs/figures.md")
  .argument("[benches...]", "names from `trine bench --list`")
  .option("--list", "list the benches")
  .action(async (benches: string[], options: { list?: boolean }) => {
    const { bench } = await import("./bench.ts");
    await bench(benches, { ...options, json: json() });
  });

program
  .command("inspect")
  .description("show the contents of a file: ELF, signed policy, archive")
  .argument("<file>")
  .option("--function <name>", "list the instructions of a function, by a part of its name")
  .action(async (file: string, options: { function?: string }) => {
    const { inspect } = await import("./inspect.ts");
    await inspect(file, { ...options, json: json() });
  });

program
  .command("verify")
  .description("prove an executable's isolation from its machine code alone")
  .argument("<files...>")
  .option("--target <target>", "kernel, domain or linux", "domain")
  .action(async (files: string[], options: { target: string }) => {
    const { verify } = await import("./verify.ts");
    await verify(files, { ...options, json: json() });
  });

program
  .command("new")
  .description("create a service or a driver: interface, program, policy, test")
  .argument("<kind>", "service or driver")
  .argument("<name>", "lower case with hyphens, for example key-store")
  .action(async (kind: string, name: string) => {
    const { createNew } = await import("./new.ts");
    await createNew(kind, name);
  });

interface SoakFlags {
  readonly list?: boolean;
  readonly slice?: string;
  readonly minutes: string;
  readonly seed?: string;
  readonly iterations?: string;
}

try {
  await program.parseAsync();
} catch (error) {
  // Commander has printed what is wrong with the command line.
  process.exitCode =
    error instanceof CommanderError
      ? Math.min(error.exitCode * 2, 2)
      : reportFailure(error, json());
}
