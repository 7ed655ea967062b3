/**
 * An image's description, its manifests, interfaces and policy → what can be said of them before
 * anything is compiled.
 */
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { sha256 } from "@noble/hashes/sha2.js";
import { PAGE_BYTES } from "../../kernel/abi/address-space.ts";
import {
  type CompiledSystem,
  type PolicyFile,
  type ProgramInput,
  type SystemInput,
  compileSystem,
} from "../../policy/compiler/compile.ts";
import { listInputs, noteInput, readInput } from "../cache/inputs.ts";
import { loadDataModules } from "../idl/load-data.ts";
import type { InterfaceDescription } from "../vocabulary/interface.ts";
import { diagnosticAt } from "../idl/locate.ts";
import type { ShapeFinding } from "../idl/shape.ts";
import { type Diagnostic, DiagnosticError, refuse, throwOnError } from "../report/diagnostic.ts";
import { requireRoomInArchive } from "./archive.ts";
import type { ImageDescription } from "../vocabulary/image.ts";
import type { ProgramDescription } from "../vocabulary/program.ts";

/** Every interface that a policy may name. */
const INTERFACES = "services/interfaces/**/*.idl.ts";

/** A system before any program of it is compiled. */
export interface SystemDraft {
  /** Root of the tree, absolute. */
  readonly root: string;
  /** Where the image is described, relative to the root. */
  readonly imageFile: string;
  readonly image: ImageDescription;
  /** In the order of the archive: as the slots name them first. */
  readonly programs: readonly DraftProgram[];
}

export interface DraftProgram {
  /** As the image names it, relative to the root. */
  readonly folder: string;
  readonly description: ProgramDescription;
}

/** What the policy compiler says of a sound system. */
export interface CheckedSystem {
  readonly warnings: readonly Diagnostic[];
  readonly expects: CompiledSystem["expects"];
  /** Worst case of one decision, in instructions. */
  readonly decisionInstructionsMax: number;
}

/**
 * Everything that can be said of image, manifests and policy before a program is compiled; throws a
 * DiagnosticError with all that is wrong. Digests stand in for those of the executables, which no
 * rule reads; warnings of programs that the verifier did not pass come with the executables.
 */
export async function checkSystem(draft: SystemDraft): Promise<CheckedSystem> {
  requireRoomInArchive(draft.programs.length, true);
  return summarize(await compileSound(await systemInput(draft)));
}

/**
 * What the policy compiler reads of a system; without `programs`, those of the draft with digests
 * that stand in for theirs.
 */
export async function systemInput(
  { root, imageFile, image, programs: drafted }: SystemDraft,
  programs: readonly ProgramInput[] = drafted.map(notCompiled),
): Promise<SystemInput> {
  const imageText = String(readInput(root, imageFile));
  const [interfaces, policyFiles] = [
    await loadInterfaceDescriptions(root),
    await readPolicyFiles(root, imageFile, image),
  ];
  return { image, imageFile, imageText, interfaces, policyFiles, programs };
}

function notCompiled(program: DraftProgram): ProgramInput {
  return { ...program, verified: true, digest: measureExecutable(Buffer.from(program.folder)) };
}

export type SoundSystem = CompiledSystem & { readonly blob: Uint8Array<ArrayBuffer> };

/** Throws a DiagnosticError with everything that is wrong with image or policy. */
export async function compileSound(input: SystemInput): Promise<SoundSystem> {
  const compiled = await compileSystem(input);
  throwOnError(compiled.diagnostics);
  const { blob } = compiled;
  if (blob === undefined) throw new Error("no blob and no error");
  return { ...compiled, blob };
}

export function summarize({ diagnostics, useless, expects, costs }: SoundSystem): CheckedSystem {
  return {
    warnings: [...diagnostics, ...useless],
    expects,
    decisionInstructionsMax: Math.max(0, ...costs.map((cost) => cost.instructions)),
  };
}

/** SHA-256 over the executable, zero-padded to whole pages: what the kernel measures. */
export function measureExecutable(elf: Uint8Array): Uint8Array {
  const padding = (PAGE_BYTES - (elf.length % PAGE_BYTES)) % PAGE_BYTES;
  return sha256.create().update(elf).update(new Uint8Array(padding)).digest();
}

/** The kernel's interfaces and those of services. Manifests bring their own besides. */
export async function loadInterfaceDescriptions(
  root: string,
): Promise<readonly InterfaceDescription[]> {
  return (await loadDataModules(root, listInputs(root, INTERFACES))) as InterfaceDescription[];
}

/** The files that the image's `policy` names; a pattern that matches nothing is a mistake. */
export async function readPolicyFiles(
  root: string,
  imageFile: string,
  image: ImageDescription,
): Promise<readonly PolicyFile[]> {
  const mistakes: ShapeFinding[] = [];
  const find = (message: string, help: string): void =>
    void mistakes.push({ path: ["policy"], message, help });
  if (image.policy.length === 0)
    find(
      "the image names no policy",
      'without a rule nothing may run: `policy: ["policy/modules/*.policy"]`',
    );
  const files = new Set<string>();
  for (const pattern of image.policy) {
    listInputs(root, pattern);
    const found = globSync(pattern, { cwd: root });
    if (found.length === 0)
      find(`no policy file is called \`${pattern}\``, "paths are relative to the root of the tree");
    for (const file of found) files.add(file.replaceAll("\\", "/"));
  }
  if (mistakes.length > 0)
    throw new DiagnosticError(
      await Promise.all(mistakes.map((mistake) => diagnosticAt(root, imageFile, mistake))),
    );
  return [...files].sort().map((file) => ({ file, text: readText(root, file) }));
}

/**
 * A policy file's text. A folder, a link to nothing and a file of another encoding are mistakes.
 */
function readText(root: string, file: string): string {
  try {
    const bytes = readFileSync(join(root, file));
    noteInput(file, bytes);
    return policyText(file, bytes);
  } catch (error) {
    if (error instanceof DiagnosticError) throw error;
    return refuse(
      `the file cannot be read: ${(error as NodeJS.ErrnoException).code ?? String(error)}`,
      { file, help: "the image's `policy` names it, maybe by a pattern" },
    );
  }
}

/** The text of a policy file that holds `bytes`. */
export function policyText(file: string, bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return refuse("the file is not UTF-8 text", {
      file,
      line: 1,
      column: 1,
      help: "save it as UTF-8",
    });
  }
}
