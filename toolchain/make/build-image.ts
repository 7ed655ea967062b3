/**
 * From sources to something that boots, in steps:
 *
 *   interfaces ─ descriptions and policy ─ kernel and programs (two at a time) ─ signature and
 *   archive ─ medium
 *
 * What can be wrong without a compiler is told before it starts. Each step leaves out what its
 * inputs show to be unchanged; if nothing at all has changed, one comparison leaves out everything.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describePause } from "../compiler/collection-pause.ts";
import type { CompiledProgram, CompileOptions } from "../compiler/compiled-program.ts";
import { generateAll, generateProgram } from "./generate.ts";
import { GUARDS_FILE, UNJUDGED, withoutGuard } from "../image/guards.ts";
import type { ProcessorLevel } from "../vocabulary/program.ts";
import type { BuiltKernel, KernelOptions } from "../image/kernel.ts";
import type { Level } from "../ir/module.ts";
import { KEY_RING_FILE, type Signer, signerFor } from "../keys/signer.ts";
import { type Diagnostic, refuse } from "../report/diagnostic.ts";
import { type ProgressForm, runSteps, type Step, type StepGroup } from "../report/progress.ts";
import type { BootMedium } from "../run/machine.ts";
import { formatFinding } from "../verify/finding.ts";
import { cached } from "../cache/cached.ts";
import type { CompileJob, CompileJobResult } from "./compile-job.ts";
import { CompilePool } from "./compile-pool.ts";
import { loadImage, type LoadedImage, type LoadedProgram } from "./description.ts";
import { currentRecorder, type InputRecorder, withRecorder } from "../cache/inputs.ts";
import { toolKey } from "../cache/tool-key.ts";
import { BUILD } from "../cache/tree.ts";
import { withTreeLock } from "../cache/tree-lock.ts";

const MEDIA = ["iso", "disk", "kernel"] as const;
type Medium = (typeof MEDIA)[number];

interface ImageRequest {
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
  readonly programs: readonly {
    readonly name: string;
    readonly language: CompiledProgram["language"];
    readonly elfPath: string;
    /** What the archive has of it. */
    readonly binaryPath: string;
    readonly verified: boolean;
  }[];
  readonly warnings: readonly Diagnostic[];
}

/** The one image that may have a kernel whose fast path judges nothing. */
const UNJUDGED_IMAGE = "bench";

/** How many compilers run at once: each takes a core and some 300 MB. */
const PARALLEL = 2;

const LEVEL_NUMBERS: Readonly<Record<ProcessorLevel, Level>> = { v1: 1, v2: 2, v3: 3 };

export function checkRequest(
  request: Omit<ImageRequest, "medium"> & { readonly medium: string },
): ImageRequest {
  const medium =
    MEDIA.find((known) => known === request.medium) ??
    refuse(`no medium \`${request.medium}\``, { help: MEDIA.join(", ") });
  if (request.release && request.without !== undefined)
    refuse("a release has all its guards", { help: "leave out --without" });
  // Only the bench asks for such a kernel, and not through here.
  if (request.without === UNJUDGED) refuse(`there is no guard \`${UNJUDGED}\``);
  if (request.without !== undefined)
    withoutGuard(readFileSync(join(request.root, GUARDS_FILE), "utf8"), request.without);
  return { ...request, medium };
}

/** What QEMU boots a built image from. */
export function bootMedium(root: string, built: BuiltImage): BootMedium {
  const path = join(root, built.bootPath);
  return built.medium === "kernel"
    ? { kind: "kernel", path, archive: join(root, built.archivePath) }
    : { kind: built.medium, path };
}

export function buildImage(request: ImageRequest, form: ProgressForm): Promise<BuiltImage> {
  if (request.without === UNJUDGED && (request.image !== UNJUDGED_IMAGE || request.release))
    refuse(`only the image ${UNJUDGED_IMAGE} is measured without the monitor's checks`);
  return withTreeLock(request.root, () => buildUnlessUnchanged(request, form));
}

async function buildUnlessUnchanged(
  request: ImageRequest,
  form: ProgressForm,
): Promise<BuiltImage> {
  const { root, image, medium, release, without } = request;
  const signer = signerFor(release);
  const { result } = await cached<BuiltImage>(root, {
    name: `image-${image}-${variant(request)}-${medium}`,
    key: [toolKey("build"), image, medium, release, without, signer.identity],
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

/** One build under way: what earlier steps left for later ones. */
class ImageBuild {
  private readonly pool = new CompilePool();
  private readonly programs = new Map<string, CompiledProgram>();
  private image: LoadedImage | null = null;
  private kernel: BuiltKernel | null = null;
  private policyWarnings: readonly Diagnostic[] = [];

  private readonly recorder: InputRecorder | undefined = currentRecorder();

  constructor(
    private readonly request: ImageRequest,
    private readonly signer: Signer,
  ) {}

  steps(): (Step | StepGroup)[] {
    return [
      this.recorded({ title: "interfaces", run: (note) => this.generate(note) }),
      this.recorded({ title: "policy", run: (note) => this.check(note) }),
      {
        title: "compile",
        parallel: PARALLEL,
        steps: () => this.compileSteps().map((step) => this.recorded(step)),
      },
      this.recorded({ title: "archive", run: (note) => this.makeArchive(note) }),
      this.recorded({ title: this.request.medium, run: (note) => this.makeMedium(note) }),
    ];
  }

  outputs(): string[] {
    const { kernelPath, kernelImagePath, archivePath, bootPath, programs } = this.built();
    return [
      ...new Set([
        kernelPath,
        kernelImagePath,
        archivePath,
        bootPath,
        ...programs.map(({ elfPath }) => elfPath),
      ]),
    ];
  }

  built(): BuiltImage {
    const { image, medium } = this.request;
    const kernel = present(this.kernel);
    const programs = [...this.programs.values()];
    return {
      name: image,
      medium,
      folder: this.folder,
      kernelPath: kernel.elfPath,
      kernelImagePath: kernel.imagePath,
      archivePath: this.archivePath,
      bootPath:
        medium === "kernel"
          ? kernel.imagePath
          : `${this.folder}/${image}.${medium === "iso" ? "iso" : "img"}`,
      programs: [...this.programs].map(([name, { language, elfPath, binaryPath, verified }]) => ({
        name,
        language,
        elfPath,
        binaryPath: present(binaryPath),
        verified,
      })),
      warnings: [kernel, ...programs]
        .flatMap(({ diagnostics }) => diagnostics)
        .concat(this.policyWarnings),
    };
  }

  close(): Promise<void> {
    return this.pool.close();
  }

  /**
   * Counts what the step reads as the build's, also where a terminal's list of steps calls it from
   * outside of the build.
   */
  private recorded(step: Step): Step {
    return { ...step, run: (note) => withRecorder(this.recorder, () => step.run(note)) };
  }

  private get folder(): string {
    return BUILD.image(`${this.request.image}-${variant(this.request)}`);
  }

  private get archivePath(): string {
    return `${this.folder}/trine.arc`;
  }

  private async generate(note: (text: string) => void): Promise<void> {
    const { root, image } = this.request;
    const interfaces = await generateAll(root);
    this.image = await loadImage(root, image);
    const { programs } = this.image;
    // Its programs may lie anywhere, and elsewhere another may have one's name.
    await Promise.all(
      programs.map(({ folder, description }) =>
        generateProgram(root, description, `${folder}/program.ts`),
      ),
    );
    note(`${interfaces.length}, for ${programs.length} programs`);
  }

  private async check(note: (text: string) => void): Promise<void> {
    const { root } = this.request;
    const { file, description, programs } = present(this.image);
    const { result } = await cached(root, {
      name: `policy-step-${description.name}`,
      key: [toolKey("build"), file, description, programs],
      work: async () => {
        const { checkSystem } = await import("../image/draft.ts");
        const { expects, decisionInstructionsMax } = await checkSystem({
          root,
          imageFile: file,
          image: description,
          programs,
        });
        return {
          outputs: [],
          result: `${expects.passed} expectations hold, a decision takes at most ${decisionInstructionsMax} instructions`,
        };
      },
    });
    note(result);
  }

  /** The kernel first: it is the longest. */
  private compileSteps(): Step[] {
    // The archive's step needs the policy's parser, which takes a second to load: this thread has
    // nothing else to do meanwhile.
    void import("../image/system.ts").catch(() => {});
    const { programs } = present(this.image);
    return [
      { title: "kernel", run: (note) => this.compileKernel(note) },
      ...programs.map((program) => this.compileStep(program)),
    ];
  }

  private async compileKernel(note: (text: string) => void): Promise<void> {
    const { root, without } = this.request;
    const options: KernelOptions = {
      root,
      // All images of one variant share it.
      outDir: `${BUILD.kernel}/${variant(this.request)}`,
      virtualFiles: { [KEY_RING_FILE]: this.signer.keyRing },
      ...(without === undefined ? {} : { guardsOff: without }),
    };
    const { result, fresh } = await this.unlessUnchanged("kernel", { kind: "kernel", options });
    this.kernel = result;
    note(summary(result, fresh));
  }

  private compileStep({ folder, description }: LoadedProgram): Step {
    const { name, entry, memoryPagesMax, stackBytes, level, devices } = description;
    const options: CompileOptions = {
      root: this.request.root,
      entry: `${folder}/${entry}`,
      target: "domain",
      outDir: BUILD.programs,
      name,
      ...(memoryPagesMax === undefined ? {} : { memoryPagesMax }),
      ...(stackBytes === undefined ? {} : { stackBytes }),
      ...(level === undefined ? {} : { level: LEVEL_NUMBERS[level] }),
      ...(Object.keys(devices ?? {}).length === 0 ? {} : { isDriver: true }),
    };
    const run = async (note: (text: string) => void): Promise<void> => {
      const { result, fresh } = await this.unlessUnchanged(name, { kind: "program", options });
      this.programs.set(name, result);
      note(summary(result, fresh));
    };
    return { title: name, run };
  }

  /**
   * The compiler does nothing by itself when what it read is unchanged; but it takes a second to
   * load. This comparison is the same, and takes milliseconds.
   */
  private unlessUnchanged<Job extends CompileJob>(
    name: string,
    job: Job,
  ): Promise<{ result: CompileJobResult<Job>; fresh: boolean }> {
    const { root } = this.request;
    return cached<CompileJobResult<Job>>(root, {
      name: `${job.kind}-step-${name}-${variant(this.request)}`,
      // Where the tree lies decides nothing.
      key: [toolKey("compile"), { ...job.options, root: "" }],
      work: async () => {
        const result = await this.pool.run(job);
        const { elfPath, binaryPath, listingPath, symbolsPath } = result;
        const outputs = [
          elfPath,
          listingPath,
          binaryPath,
          symbolsPath,
          "imagePath" in result ? String(result.imagePath) : null,
        ];
        return { outputs: outputs.filter((path) => path !== null), result };
      },
    });
  }

  private async makeArchive(note: (text: string) => void): Promise<void> {
    const [{ buildSystem }, { buildArchive }] = await Promise.all([
      import("../image/system.ts"),
      import("../image/archive.ts"),
    ]);
    const { root } = this.request;
    const { file, description, programs } = present(this.image);
    const compiled = programs.map((program) => ({
      ...program,
      ...present(this.programs.get(program.description.name) ?? null),
    }));
    const executables = compiled.map(({ binaryPath }) =>
      readFileSync(join(root, present(binaryPath))),
    );

    const { blob, warnings } = await buildSystem({
      root,
      imageFile: file,
      image: description,
      programs: compiled.map((program, index) => ({
        folder: program.folder,
        description: program.description,
        elf: executables[index]!,
        verified: program.verified,
      })),
      signer: this.signer,
      outDir: this.folder,
    });
    this.policyWarnings = warnings;
    writeFileSync(
      join(root, this.archivePath),
      buildArchive({
        blob,
        programs: executables,
        symbols: compiled.map(({ symbolsPath }) => readFileSync(join(root, present(symbolsPath)))),
      }),
    );
    note(`signed by ${this.signer.identity.slice(0, 28)}…`);
  }

  private async makeMedium(note: (text: string) => void): Promise<void> {
    const { root, medium } = this.request;
    const { kernelImagePath, archivePath, bootPath } = this.built();
    const files = {
      root,
      kernelPath: join(root, kernelImagePath),
      archivePath: join(root, archivePath),
      outPath: join(root, bootPath),
    };
    if (medium === "iso") (await import("../image/iso.ts")).buildIso(files);
    if (medium === "disk") (await import("../image/disk.ts")).buildDisk(files);
    note(bootPath);
  }
}

function summary(
  {
    language,
    fromCache,
    verified,
    findings,
    sizes,
    collects,
    heapBytesMax,
    pauseInstructionsMax,
  }: CompiledProgram,
  fresh: boolean,
): string {
  if (language === "assembly")
    return `${sizes.text} bytes of code, ${verified ? "verified" : "UNVERIFIED: written by hand in assembly"}`;
  if (!verified)
    return `REFUSED by the verifier: ${findings.length} findings, first ${formatFinding(findings[0]!)}`;
  if (fromCache || !fresh) return "unchanged";
  const collected = collects ? `; ${describePause(heapBytesMax, pauseInstructionsMax)}` : "";
  return `${(sizes.text / 1024).toFixed(0)} KiB of code, verified${collected}`;
}

/** What an earlier step must have left. */
function present<T>(value: T | null): T {
  if (value === null) throw new Error("a build step ran before the one that it needs");
  return value;
}
