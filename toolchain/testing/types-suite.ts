/** Biome and the TypeScript compiler, as in an editor, find nothing in any project. */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { generateAll } from "../make/generate.ts";
import { type CaseResult, runCase, type SuiteContext } from "./result.ts";

/** The root's project is the host's code; the others extend AssemblyScript's own. */
const PROJECTS = [
  "tsconfig.json",
  "kernel/tsconfig.json",
  "services/tsconfig.json",
  "drivers/tsconfig.json",
];

export async function runTypes({ root }: SuiteContext): Promise<CaseResult[]> {
  // Programs import modules that are generated from interfaces and manifests.
  await generateAll(root);
  const cases = [await runCase("Biome has no findings", () => checkFormat(root))];
  for (const project of PROJECTS) {
    cases.push(await runCase(`${project} has no errors`, () => checkProject(root, project)));
  }
  return cases;
}

/** Git's own files are left alone: a copy of the tree without `.git` is checked, too. */
function checkFormat(root: string): Promise<void> {
  const isCheckout = existsSync(join(root, ".git"));
  const without = isCheckout ? [] : ["--vcs-enabled=false", "--vcs-use-ignore-file=false"];
  return runTool(root, ["@biomejs/biome/bin/biome", "ci", "--colors=off", ...without, "."]);
}

async function checkProject(root: string, project: string): Promise<void> {
  if (!existsSync(join(root, project))) throw new Error(`${project} is missing`);
  await runTool(root, ["typescript/bin/tsc", "--noEmit", "--pretty", "false", "-p", project]);
}

async function runTool(root: string, [tool, ...parameters]: readonly string[]): Promise<void> {
  const child = spawn(process.execPath, [join(root, "node_modules", tool!), ...parameters], {
    cwd: root,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => (output += text));
  const exitCode = await new Promise<number | null>((resolve, reject) =>
    child.on("error", reject).on("close", resolve),
  );
  if (exitCode !== 0) throw new Error(output.trim() || `${tool} ended with code ${exitCode}`);
}
