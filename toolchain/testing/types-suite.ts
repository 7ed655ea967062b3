/** The tree as an editor sees it: every project passes the TypeScript compiler. */
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { generateAll } from "../idl/generate.ts";
import { type CaseResult, runCase, type SuiteContext } from "./result.ts";

/** The root's project is the host's code; the others extend AssemblyScript's own. */
const PROJECTS = [
  "tsconfig.json",
  "kernel/tsconfig.json",
  "services/tsconfig.json",
  "drivers/tsconfig.json",
];

export async function runTypes({ root }: SuiteContext): Promise<CaseResult[]> {
  // Programs import what is generated from interfaces and manifests.
  await generateAll(root);
  const cases: CaseResult[] = [];
  for (const project of PROJECTS) {
    cases.push(await runCase(`${project} has no errors`, () => checkProject(root, project)));
  }
  return cases;
}

async function checkProject(root: string, project: string): Promise<void> {
  if (!existsSync(join(root, project))) throw new Error(`${project} is missing`);
  const parameters = [
    join(root, "node_modules/typescript/bin/tsc"),
    "--noEmit",
    "--pretty",
    "false",
    "-p",
    project,
  ];
  const child = spawn(process.execPath, parameters, {
    cwd: root,
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (output += text));
  const exitCode = await new Promise<number | null>((resolve, reject) =>
    child.on("error", reject).on("close", resolve),
  );
  if (exitCode !== 0) throw new Error(output.trim() || `tsc ended with code ${exitCode}`);
}
