// The arithmetic of docs/speculation.md is in the kernel's machine code: nothing has taken it for
// needless behind the checks.
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { buildTestImage } from "../support/build.ts";

/** Instructions by the function's name. */
const functions = new Map<string, string>();
beforeAll(() => {
  const listing = readFileSync(
    join(dirname(buildTestImage("main").kernelImagePath), "kernel.lst"),
    "utf8",
  );
  for (const [, name, lines] of listing.matchAll(/^kernel\/(\S+): \d+ bytes.*\n((?:.+\n)*)/gm)) {
    functions.set(
      name!,
      [...lines!.matchAll(/^ +[0-9a-f]+ {2}(?:[0-9a-f]{2} )+ *([^;\n]*)/gm)]
        .map(([, text]) => text!.trim())
        .join("\n"),
    );
  }
});

const REGISTER = "[er]\\w+";
/** `clamped`: the sign of index - bound, spread over all bits, and the index masked with it. */
const DIFFERENCE = `(?:sub +${REGISTER}, *${REGISTER}|lea +${REGISTER}, *\\[${REGISTER}-[0-9A-F]+h\\])`;
const CLAMP = new RegExp(
  `${DIFFERENCE}\nsar +${REGISTER}, *3Fh\n(?:mov .*\n)?and +${REGISTER}, *${REGISTER}`,
);
/** The number of a field, on the way to the 16 bytes of it. */
const MASKED_FIELD = new RegExp(
  `and +${REGISTER}, *(?:${REGISTER}|\\[rel .*\\])\nshl +${REGISTER}, 4\n(?:add|lea) +${REGISTER}, *\\[?${REGISTER}`,
);

test.each<[string, RegExp]>([
  // Before the entry is looked at.
  ["handle/table/findHandle", /and +\w+, 0FFFh\n(?:.*\n)*?cmp +word \[r15\+r\w+\], 0/],
  ["entry/fast-path/fastCall", /and +\w+, 0FFFh\n(?:.*\n)*?mov +\w+, \[r15\+r\w+\]/],
  // The first of them that is there: each may be inlined into the next.
  ["handle/table/handleFrom, service/slots/handleAt, service/slots/slotsMethod", /and +\w+, 0FFFh/],
  ["entry/fast-path/fastCall", /and +\w+, 3Fh/],
  ["entry/fast-path/fastCall", MASKED_FIELD],
  ["entry/fast-path/fastReply", MASKED_FIELD],
  ["monitor/structure/checkShape", MASKED_FIELD],
  ["entry/reply/reply", CLAMP],
  ["ipc/capture/captureMessage", CLAMP],
  ["service/dispatch/callKernel, entry/call/callObject", CLAMP],
  ["service/method-call/MethodCall#takeText", CLAMP],
  ["service/slots/findDomain", CLAMP],
  ["monitor/blob/in-force/methodShape", CLAMP],
  ["monitor/names/className", CLAMP],
  ["monitor/names/ruleEntry", CLAMP],
  ["memory/memory-pages/frameOfPage", CLAMP],
])("%s makes its index harmless", (names, arithmetic) => {
  const code = names.split(", ").flatMap((name) => functions.get(name) ?? [])[0];
  expect(code, `${names} is in the listing; if it is inlined, look where`).toBeDefined();
  expect(code).toMatch(arithmetic);
});

test("the number of a system call selects nothing", () => {
  expect(functions.get("entry/main/systemCall")).toMatch(/cmp +\w+, 2/);
  expect(functions.get("entry/main/systemCall")).not.toMatch(/jmp +r/);
});
