/**
 * What must hold of the policy compiler, whatever its text: it ends soon, with a blob or with
 * mistakes that say where.
 */
import { type SystemInput, compileSystem } from "../../policy/compiler/compile.ts";
import { MISTAKES_SHOWN } from "../../policy/compiler/mistakes.ts";
import type { PolicyFile } from "../../policy/compiler/parse.ts";
import { loadImage } from "../make/description.ts";
import { systemInput } from "../image/draft.ts";
import { type Diagnostic, formatDiagnostic } from "../report/diagnostic.ts";
import { PolicyMutator } from "./policy-mutator.ts";
import { Random } from "./random.ts";

export interface PolicyMutationResult {
  readonly mutants: number;
  /** Those that became a blob. */
  readonly compiled: number;
  /** What did not hold, with the mutant's number. */
  readonly faults: readonly string[];
}

/** A mutant takes some 20 ms; none comes near this. */
const CPU_SECONDS_MAX = 20;

/** The system of an image, as its policy is compiled before its programs are. */
export async function imageInput(root: string, image: string): Promise<SystemInput> {
  const { file, description, programs } = await loadImage(root, image);
  return systemInput({ root, imageFile: file, image: description, programs });
}

/**
 * Compiles mutants of a sound system's policy; the same seed gives the same mutants. `judge` says
 * what is wrong with the blob of one that compiles. In the end the system itself must still give
 * the bytes that it gave at first.
 */
export async function runPolicyMutants(
  system: SystemInput,
  seed: number,
  count: number,
  judge: (blob: Uint8Array<ArrayBuffer>) => string | undefined = () => undefined,
): Promise<PolicyMutationResult> {
  const before = await compileSystem(system);
  if (before.blob === undefined)
    throw new Error(
      `the system itself is not sound: ${before.diagnostics.map(formatDiagnostic).join("\n")}`,
    );
  const mutator = new PolicyMutator(system.policyFiles, new Random(seed));
  const faults: string[] = [];
  let compiled = 0;
  for (let mutant = 0; mutant < count; mutant++) {
    const policyFiles = mutator.mutant();
    const { blob, found } = await compileMutant({ ...system, policyFiles });
    const judgement = blob === undefined ? undefined : judge(blob);
    if (blob !== undefined) compiled += 1;
    for (const fault of judgement === undefined ? found : [...found, judgement])
      faults.push(`seed ${seed}, mutant ${mutant}: ${fault}`);
  }
  const { blob } = await compileSystem(system);
  if (blob === undefined || Buffer.compare(blob, before.blob) !== 0)
    faults.push(`seed ${seed}: after its mutants the system itself gives other bytes`);
  return { mutants: count, compiled, faults };
}

async function compileMutant(system: SystemInput): Promise<{
  readonly blob?: Uint8Array<ArrayBuffer> | undefined;
  readonly found: readonly string[];
}> {
  const start = process.cpuUsage();
  try {
    const { blob, diagnostics } = await compileSystem(system);
    const { user, system: kernel } = process.cpuUsage(start);
    const found = diagnostics.flatMap(
      (diagnostic) => objection(diagnostic, system.policyFiles) ?? [],
    );
    const hasError = diagnostics.some(({ severity }) => severity === "error");
    if (hasError === (blob !== undefined))
      found.push(hasError ? "a blob in spite of an error" : "neither a blob nor an error");
    if (diagnostics.length > MISTAKES_SHOWN + 1) found.push(`${diagnostics.length} diagnostics`);
    if (user + kernel > CPU_SECONDS_MAX * 1e6) found.push(`it takes ${(user + kernel) / 1e6} s`);
    return { blob, found };
  } catch (error) {
    return {
      found: [
        `the compiler throws ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
      ],
    };
  }
}

/** What is wrong with a diagnostic by itself: it says something, and its place is in the file. */
function objection(diagnostic: Diagnostic, files: readonly PolicyFile[]): string | undefined {
  const { file, line, column, message } = diagnostic;
  if (message.length <= 5) return `a message of \`${message}\``;
  const policy = files.find((candidate) => candidate.file === file);
  if (policy === undefined) return undefined;
  const text = policy.text.split("\n")[(line ?? 0) - 1];
  const isInside =
    text !== undefined && column !== undefined && column >= 1 && column <= text.length + 1;
  return isInside ? undefined : `there is no such place: ${formatDiagnostic(diagnostic)}`;
}
