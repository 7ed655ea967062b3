/**
 * `trine bench`: measures, saves the numbers as JSON, and writes docs/figures.md; tables of benches
 * that were not run stay as they are. A bench whose checks fail throws, and nothing is written.
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { BENCHES } from "../bench/benches.ts";
import { type Bench, type BenchRecord, formatGoal, formatValue } from "../bench/figure.ts";
import { figuresPage } from "../bench/figures-page.ts";
import { findRoot } from "../cache/tree.ts";
import { refuse } from "../report/diagnostic.ts";
import { QEMU_PROGRAM } from "../run/machine.ts";

const FOLDER = "build/bench";
const PAGE = "docs/figures.md";

export async function bench(
  names: readonly string[],
  options: { readonly list?: boolean; readonly json: boolean },
): Promise<void> {
  const print = (line: string): void => void process.stdout.write(`${line}\n`);
  if (options.list === true)
    return BENCHES.forEach(({ name, about }) => print(`${name.padEnd(10)} ${about}`));

  const root = findRoot();
  mkdirSync(join(root, FOLDER), { recursive: true });
  const records: BenchRecord[] = [];
  for (const chosen of chooseBenches(names)) {
    if (!options.json) print(`${chosen.name}: ${chosen.about}`);
    const figures = await chosen.run(root, options.json ? () => {} : (line) => print(`  ${line}`));
    const record: BenchRecord = {
      bench: chosen.name,
      command: `make bench ARGS=${chosen.name}`,
      ...commitOf(root),
      emulator: emulator(),
      figures,
    };
    records.push(record);
    writeFileSync(
      join(root, FOLDER, `${chosen.name}.json`),
      `${JSON.stringify(record, null, 2)}\n`,
    );
    if (options.json) print(JSON.stringify(record));
    else
      for (const figure of figures) {
        const goal = formatGoal(figure);
        print(`  ${figure.about}: ${formatValue(figure)}${goal === "" ? "" : ` (${goal})`}`);
      }
  }
  const order = BENCHES.map(({ name }) => name);
  const before = existsSync(join(root, PAGE)) ? readFileSync(join(root, PAGE), "utf8") : "";
  writeFileSync(join(root, PAGE), figuresPage(records, order, before));
  if (!options.json) print(`wrote ${PAGE}`);
}

function chooseBenches(names: readonly string[]): readonly Bench[] {
  if (names.length === 0) return BENCHES;
  return names.map(
    (name) =>
      BENCHES.find((candidate) => candidate.name === name) ??
      refuse(`no bench \`${name}\``, { help: BENCHES.map((known) => known.name).join(", ") }),
  );
}

function commitOf(root: string): Pick<BenchRecord, "commit" | "modified"> {
  const git = (...parameters: string[]): string =>
    execFileSync("git", parameters, { cwd: root, encoding: "utf8" }).trim();
  // The page itself changes with every run.
  const changes = git("status", "--porcelain", "--untracked-files=no", "--", ".", `:!${PAGE}`);
  return { commit: git("rev-parse", "--short=12", "HEAD"), modified: changes !== "" };
}

function emulator(): string {
  const text = execFileSync(QEMU_PROGRAM, ["--version"], { encoding: "utf8" });
  return `QEMU ${/version (\d+(?:\.\d+)*)/.exec(text)?.[1] ?? "of unknown version"} TCG`;
}
