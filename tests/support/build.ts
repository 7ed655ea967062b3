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

/** Builds `image`; `without` names a guard of the kernel to leave out. What is built already costs a fraction of a second. */
export function buildTestImage(image: string, options: { readonly medium?: "iso" | "disk" | "kernel"; readonly without?: string } = {}): TestImage {
  const { medium = "kernel", without } = options;
  const parameters = ["--json", "build", image, "--medium", medium, ...(without === undefined ? [] : ["--without", without])];
  const built = JSON.parse(execFileSync(join(ROOT, "trine"), parameters, { cwd: ROOT, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] })) as {
    readonly kernelImagePath: string;
    readonly archivePath: string;
    readonly bootPath: string;
  };
  const [kernelImagePath, archivePath, path] = [built.kernelImagePath, built.archivePath, built.bootPath].map((file) => join(ROOT, file)) as [string, string, string];
  return { kernelImagePath, archivePath, boot: medium === "kernel" ? { kind: "kernel", path, archive: archivePath } : { kind: medium, path } };
}
