// The policies of this tree, damaged: every mutant compiles or ends in diagnostics that say where. TRINE_MUTATION_SEED starts another run.
import { readFileSync, readdirSync } from "node:fs";
import { expect, test } from "vitest";
import { compileTest } from "../../tests/support/policy-system.ts";
import { WORDS } from "./grammar.ts";

const MUTANTS = 200;
const FOLDER = new URL("../modules/", import.meta.url);
const TEXTS = readdirSync(FOLDER).sort().map((file) => ({ file: `policy/modules/${file}`, text: readFileSync(new URL(file, FOLDER), "utf8") }));
const SCRAPS = [...WORDS, "(", ")", "{", "}", "->", ",", ".", "..", "*", "=", "==", "<", "&", "-", "/*", "*/", "//", "\r", "\n", "\u202e", "0x", "9999999999999999999999", "kernel.Slots", "Shell", "not not"];

test(`${MUTANTS} mutants of the modules`, async () => {
  let state = Number(process.env["TRINE_MUTATION_SEED"] ?? 1) >>> 0 || 1;
  const below = (limit: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
  for (let i = 0; i < MUTANTS; i++) {
    const policyFiles = TEXTS.map((file) => ({ ...file }));
    for (let edits = 1 + below(3); edits > 0; edits--) {
      const file = policyFiles[below(policyFiles.length)]!;
      const [from, length] = [below(file.text.length), below(4) === 0 ? below(60) : below(3)];
      const other = policyFiles[below(policyFiles.length)]!.text;
      const scrap = below(3) === 0 ? other.slice(below(other.length)).slice(0, below(80)) : SCRAPS[below(SCRAPS.length)]!;
      file.text = `${file.text.slice(0, from)}${below(4) === 0 ? "" : ` ${scrap} `}${file.text.slice(from + length)}`;
    }
    const { diagnostics } = await compileTest("", { policyFiles });
    for (const { message, line, file } of diagnostics) {
      expect(message.length).toBeGreaterThan(5);
      if (file?.endsWith(".policy") === true) expect(line).toBeGreaterThan(0);
    }
  }
});
