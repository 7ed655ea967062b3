import { expect, test } from "vitest";
import { compileTest } from "../../tests/support/policy-system.ts";
import { buildArchive } from "../image/archive.ts";
import { formatArchive, summarizeArchive } from "./archive.ts";
import { formatBlob, summarizeBlob } from "./blob.ts";

const blob = (await compileTest("allow Shell -> Console.Console { write }")).blob!;

test("handles are shown with their rights and with what the image description calls their targets", () => {
  const lines = formatBlob(summarizeBlob(blob, "policy.blob"));
  expect(lines.slice(lines.indexOf("slots:"), lines.indexOf("slots:") + 10)).toEqual([
    "slots:",
    "  supervisor: class Supervisor, program supervisor",
    "    slots          slots      call control",
    "    log            log        call",
    "  uart: class Uart, program uart",
    "    port           endpoint   call send copy mint  uart.port",
    "    registers      ports      call                 0x3f8 to 0x3ff",
    "    line           interrupt  call                 line 4",
    "  console: class Console, program console",
    "    terminal       endpoint   call send copy mint  console.terminal",
  ]);
  expect(lines).toContain(
    "    uart           endpoint   call send copy       uart.port, badge 0x5",
  );
});

test("a blob that ends too early is refused", () => {
  for (const bytes of [400, blob.length - 1])
    expect(() => summarizeBlob(blob.subarray(0, bytes), "policy.blob")).toThrow(
      "policy.blob: the blob ends before what its header announces",
    );
  const empty = blob.slice();
  empty.fill(0, 28, 32);
  expect(() => summarizeBlob(empty, "policy.blob")).toThrow(
    "the blob ends before what its header announces",
  );
});

test.each([
  ["are named by the blob in it", blob, "supervisor"],
  ["have no names when the blob in it is damaged", blob.subarray(0, 400), ""],
])("an archive's programs %s", (_what, inside, name) => {
  const archive = buildArchive({ blob: inside, programs: [new Uint8Array(5000)] });
  expect(formatArchive(summarizeArchive(archive, "trine.arc")).at(-1)).toMatch(
    new RegExp(`^  program 0 +${name} +5000 bytes at \\d+$`),
  );
});
