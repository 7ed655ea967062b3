/**
 * From sources to something that boots, in steps:
 *
 *   interfaces ─ descriptions ─ kernel and programs (two at a time) ─ policy and signature ─ archive ─ medium
 *
 * Each step leaves out what its inputs show to be unchanged; if nothing at all has changed, one comparison leaves out everything.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { CompiledProgram } from "../compiler/compile.ts";
import { generateAll } from "../idl/generate.ts";
import type { InterfaceModel } from "../idl/model.ts";
import { buildArchive } from "../image/archive.ts";
import type { BuiltKernel } from "../image/kernel.ts";
import { type Diagnostic, refuse } from "../report/diagnostic.ts";
import { type ProgressForm, runSteps, type Step } from "../report/progress.ts";
import type { BootMedium } from "../run/machine.ts";
import { cached } from "./cached.ts";
import { CompilePool } from "./compile-pool.ts";
import { contentKey } from "./content-key.ts";
import { loadImage, type LoadedImage } from "./description.ts";
import { BUILD } from "./tree.ts";

const MEDIA = ["iso", "disk", "kernel"] as const;
export type Medium = (typeof MEDIA)[number];

export interface ImageRequest {
  readonly root: string;
  readonly image: string;
  readonly medium: Medium;
  /** Signed by TRINE_KEY, for a kernel that refuses the development key. */
  readonly release: boolean;
  /** A guard of the kernel to leave out. */
  readonly without: string | undefined;
}

/** Paths are relative to the root. */
export interface BuiltImage {
  readonly name: string;
  readonly medium: Medium;
  readonly folder: string;
  /** With symbols, for a debugger. */
  readonly kernelPath: string;
  /** What a PVH loader starts. */
  readonly kernelImagePath: string;
  readonly archivePath: string;
  /** What `medium` boots: the ISO, the disk, or the kernel itself. */
  readonly bootPath: string;
  readonly programs: readonly { readonly name: string; readonly elfPath: string; readonly verified: boolean }[];
  readonly warnings: readonly Diagnostic[];
}

/** How many compilers run at once: each takes a core and some 300 MB. */
const PARALLEL = 2;

/** Everything that an image depends on, the tools' own sources included. */
const SOURCES = [
  ...["kernel", "boot", "services", "drivers", "images", "policy", "toolchain", "tests/system", "tests/bench"].map((folder) => `${folder}/**/*`), "package-lock.json",
];

export function checkRequest(request: Omit<ImageRequest, "medium"> & { readonly medium: string }): ImageRequest {
  const medium = MEDIA.find((known) => known === request.medium) ?? refuse(`no medium \`${request.medium}\``, { help: MEDIA.join(", ") });
  if (request.release && request.without !== undefined) refuse("a release has all its guards", { help: "leave out --without" });
  return { ...request, medium };
}

/** What QEMU boots a built image from. */
export function bootMedium(root: string, built: BuiltImage): BootMedium {
  const path = join(root, built.bootPath);
  return built.medium === "kernel" ? { kind: "kernel", path, archive: join(root, built.archivePath) } : { kind: built.medium, path };
}

export async function buildImage(request: ImageRequest, form: ProgressForm): Promise<BuiltImage> {
  const { root, image, medium, release, without } = request;
  const { signerFor } = await import("../keys/signer.ts");
  const signer = signerFor(release);
  const { result } = await cached<BuiltImage>(root, {
    name: `image-${image}-${variant(request)}-${medium}`,
    key: contentKey(root, SOURCES, [image, medium, release, without, signer.identity]),
    work: async () => {
      const work = new ImageBuild(request, signer);
      await runSteps(work.steps(), form).finally(() => work.close());
      return { outputs: work.outputs(), result: work.built() };
    },
  });
  return result;
}

/** Builds of one image that differ in what is in them lie in folders of their own. */
function variant({ release, without }: ImageRequest): string {
  return `${release ? "release" : "development"}${without === undefined ? "" : `-without-${without}`}`;
}
