import { expect, test } from "vitest";
import { type CompileJob } from "./compile-job.ts";
import { crashOf } from "./compile-pool.ts";

const job = { kind: "program", options: { entry: "services/door/main.ts" } } as CompileJob;

test("a crash of asc is told with the program and its reason, without its stack", () => {
  const said =
    "\n▌ Whoops, the AssemblyScript compiler has crashed during compile :-(\n▌ \n▌ RangeError: Maximum call stack size exceeded\n▌     at new Rt (/tree/program.ts:3238:3)\n";
  const { message } = crashOf(job, said);
  expect(message).toMatch(
    /^services\/door\/main\.ts:1:1: the AssemblyScript compiler crashed on this program: RangeError: Maximum call stack size exceeded; help: /,
  );
  expect(message).not.toContain(" at ");
});

test("one that gives no reason is told too", () => {
  expect(crashOf(job, "").message).toContain("crashed on this program: no reason is known");
});
