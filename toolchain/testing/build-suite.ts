/** The build itself: each medium, verified programs, and output that depends on sources only. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { buildImage, type BuiltImage } from "../make/build-image.ts";
import { copyTree } from "./copy-tree.ts";
import { type CaseResult, runCase, type SuiteContext } from "./result.ts";

export async function runBuild({ root, log }: SuiteContext): Promise<CaseResult[]> {
  const cases: CaseResult[] = [];
  for (const medium of ["kernel", "iso", "disk"] as const) {
    log(`main as ${medium}`);
    const result = await runCase(
      `the main image builds as ${medium}, every compiled program verified`,
      async () => {
        const { programs } = await buildImage(
          { root, image: "main", medium, release: false, without: undefined },
          "plain",
        );
        const unverified = programs
          .filter(({ language, verified }) => language === "typescript" && !verified)
          .map(({ name }) => name);
        if (unverified.length > 0) throw new Error(`the verifier refuses ${unverified.join(", ")}`);
      },
    );
    cases.push(result);
  }
  log("main once more, from a copy of the tree at another place");
  cases.push(
    await runCase("a clone at another path gives the same bytes", () => compareWithCopy(root)),
  );
  return cases;
}

/** Compares kernel, archive and ISO; the signature too, since Ed25519 is deterministic. */
async function compareWithCopy(root: string): Promise<void> {
  const here = await buildImage(
    { root, image: "main", medium: "iso", release: false, without: undefined },
    "silent",
  );
  const folder = mkdtempSync(join(tmpdir(), "trine-copy-"));
  try {
    copyTree(root, folder);
    const program = join(dirname(fileURLToPath(import.meta.url)), "main.js");
    const output = execFileSync(process.execPath, [program, "--json", "build", "main"], {
      cwd: folder,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
    });
    const there = JSON.parse(output) as BuiltImage;
    for (const part of ["kernelImagePath", "archivePath", "bootPath"] as const) {
      if (!readFileSync(join(root, here[part])).equals(readFileSync(join(folder, there[part]))))
        throw new Error(`${here[part]} differs between two places`);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
