/** Images for tests, built by the command that users build with. */
import { execFileSync } from "node:child_process";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { BootMedium } from "../../toolchain/run/machine.ts";

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), "../..");

/** Absolute paths. */
export interface TestImage {
  readonly kernelImagePath: string;
  readonly archivePath: string;
  readonly boot: BootMedium;
}

interface TestImageOptions {
  readonly medium?: "iso" | "disk" | "kernel";
  readonly without?: string;
  /** A release, signed by this TRINE_KEY. */
  readonly releaseKey?: string;
}

/**
 * Builds `image`; `without` names a guard of the kernel to leave out. An image that is up to date
 * takes a fraction of a second.
 */
export function buildTestImage(image: string, options: TestImageOptions = {}): TestImage {
  const { medium = "kernel", without, releaseKey } = options;
  const more = [
    ...(without === undefined ? [] : ["--without", without]),
    ...(releaseKey === undefined ? [] : ["--release"]),
  ];
  const environment =
    releaseKey === undefined ? process.env : { ...process.env, TRINE_KEY: releaseKey };
  const parameters = ["--json", "build", image, "--medium", medium, ...more];
  const built = JSON.parse(
    execFileSync(join(ROOT, "trine"), parameters, {
      cwd: ROOT,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
      env: environment,
    }),
  ) as {
    readonly kernelImagePath: string;
    readonly archivePath: string;
    readonly bootPath: string;
  };
  const [kernelImagePath, archivePath, path] = [
    built.kernelImagePath,
    built.archivePath,
    built.bootPath,
  ].map((file) => join(ROOT, file)) as [string, string, string];
  return {
    kernelImagePath,
    archivePath,
    boot:
      medium === "kernel" ? { kind: "kernel", path, archive: archivePath } : { kind: medium, path },
  };
}
