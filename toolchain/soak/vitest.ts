/** Tests of the host as the work of a slice. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

/** Of one run, which takes up to two minutes on a busy host. */
export const VITEST_TIMEOUT_MS = 480_000;
const SAID_CHARACTERS = 3000;

/**
 * Runs vitest with these parameters and more of an environment. Answers the end of what it said;
 * throws, with that, if a test failed.
 */
export async function runVitest(
  root: string,
  parameters: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<string> {
  const child = spawn(
    process.execPath,
    [join(root, "node_modules/vitest/vitest.mjs"), "run", "--project", "host", ...parameters],
    {
      cwd: root,
      env: { ...process.env, ...environment },
      stdio: ["ignore", "pipe", "pipe"],
      timeout: VITEST_TIMEOUT_MS,
    },
  );
  let said = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => (said += text));
  const [status] = (await once(child, "close")) as [number | null];
  const end = said.slice(-SAID_CHARACTERS);
  if (status !== 0) throw new Error(`vitest ends with ${status}\n${end}`);
  return end;
}
