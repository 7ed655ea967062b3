/** `trine soak`: long tests, all slices or one. */
import { findRoot } from "../cache/tree.ts";
import { refuse } from "../report/diagnostic.ts";
import { formatSeconds } from "../report/duration.ts";
import { runSlice } from "../soak/run-slice.ts";
import type { Slice } from "../soak/slice.ts";
import { SLICES } from "../soak/slices.ts";
import { closingLine } from "../testing/result.ts";
import { Refused } from "./failure.ts";
import { numberOption } from "../report/number-option.ts";

export interface SoakOptions {
  readonly list?: boolean;
  readonly slice?: string;
  readonly minutes: string;
  readonly seed?: string;
  readonly iterations?: string;
  readonly json: boolean;
}

export async function soak(options: SoakOptions): Promise<void> {
  const print = (line: string): void => void process.stdout.write(`${line}\n`);
  if (options.list === true)
    return SLICES.forEach((slice, index) =>
      print(`${String(index).padEnd(3)} ${slice.name.padEnd(20)} ${slice.about}`),
    );

  const root = findRoot();
  const milliseconds = numberOption("--minutes", options.minutes) * 60_000;
  const seed = options.seed === undefined ? {} : { seed: numberOption("--seed", options.seed) };
  const iterations =
    options.iterations === undefined
      ? {}
      : { iterationsMax: numberOption("--iterations", options.iterations) };

  let [passed, failed, skipped] = [0, 0, 0];
  for (const slice of chooseSlices(options.slice)) {
    const start = performance.now();
    if (!options.json) print(`soak ${slice.name}: ${slice.about}`);
    const outcome = await runSlice(root, slice, { milliseconds, ...seed, ...iterations });
    passed += outcome.cases;
    if (outcome.failure !== null) failed += 1;
    if (outcome.skipped !== null) skipped += 1;
    if (options.json) print(JSON.stringify({ slice: slice.name, ...outcome }));
    else if (outcome.skipped !== null) print(`  skipped: ${outcome.skipped}`);
    else {
      if (outcome.failure !== null) {
        print(outcome.failure.message);
        print(
          `  again: make soak ARGS="--slice ${slice.name} --seed ${outcome.failure.seed} --iterations 1"`,
        );
      }
      print(
        `  ${outcome.iterations} seeds up to ${outcome.nextSeed - 1}, ${outcome.cases} cases (${formatSeconds(performance.now() - start)})`,
      );
    }
  }
  if (!options.json) print(`\n${closingLine({ passed, failed, skipped })}`);
  if (failed > 0) throw new Refused();
}

/**
 * The slice by name, or by number modulo the number of slices, so that a caller can take one after
 * the other without knowing how many there are.
 */
function chooseSlices(choice: string | undefined): readonly Slice[] {
  if (choice === undefined) return SLICES;
  const slice = /^\d+$/.test(choice)
    ? SLICES[Number(choice) % SLICES.length]
    : SLICES.find(({ name }) => name === choice);
  return slice === undefined
    ? refuse(`no slice \`${choice}\``, { help: SLICES.map(({ name }) => name).join(", ") })
    : [slice];
}
