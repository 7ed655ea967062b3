/**
 * An image's description and its finished executables → the signed blob that makes one system of
 * them.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type BlobSigner, signBlob } from "../keys/sign-blob.ts";
import {
  type CheckedSystem,
  type DraftProgram,
  type SystemDraft,
  compileSound,
  measureExecutable,
  summarize,
  systemInput,
} from "./draft.ts";
import { programNeeds } from "./program-needs.ts";

export interface BuiltProgram extends DraftProgram {
  /** The executable. */
  readonly elf: Uint8Array;
  /** Whether the machine-code verifier passed it. */
  readonly verified: boolean;
}

export interface SystemRequest extends SystemDraft {
  readonly programs: readonly BuiltProgram[];
  readonly signer: BlobSigner;
  /** Relative to the root. Gets `policy.blob` and `policy.json`. */
  readonly outDir: string;
}

export interface BuiltSystem extends CheckedSystem {
  /** Signed. */
  readonly blob: Uint8Array<ArrayBuffer>;
  /** Relative to the root, as is `sidecarPath`. */
  readonly blobPath: string;
  readonly sidecarPath: string;
}

/** Throws a DiagnosticError with everything that is wrong with image or policy. */
export async function buildSystem(request: SystemRequest): Promise<BuiltSystem> {
  const { root, programs, signer, outDir } = request;
  const built = programs.map(({ elf, ...program }) => ({
    ...program,
    digest: measureExecutable(elf),
    needs: programNeeds(elf, program.folder),
  }));
  const compiled = await compileSound(await systemInput(request, built));
  const blob = signBlob(compiled.blob, signer);
  const [blobPath, sidecarPath] = [join(outDir, "policy.blob"), join(outDir, "policy.json")];
  mkdirSync(join(root, outDir), { recursive: true });
  writeFileSync(join(root, blobPath), blob);
  writeFileSync(join(root, sidecarPath), `${JSON.stringify(compiled.sidecar, null, 1)}\n`);
  return { blob, blobPath, sidecarPath, ...summarize(compiled) };
}
