/** Runs tests by vitest, and converts its report. */
import { spawn } from "node:child_process";
import { createWriteStream, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join, relative } from "node:path";
import { finished } from "node:stream/promises";
import type { CaseResult, SuiteContext } from "./result.ts";

interface VitestReport {
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly message?: string;
    readonly assertionResults: readonly {
      readonly fullName: string;
      readonly status: string;
      readonly duration?: number | null;
      readonly failureMessages?: readonly string[] | null;
    }[];
  }[];
}

/** Runs a project of vitest.config.ts. Its output is kept in build/test/NAME.log. */
export async function runVitest(
  { root, log }: SuiteContext,
  name: string,
  options: readonly string[] = [],
): Promise<CaseResult[]> {
  const folder = join(root, "build/test");
  const reportPath = join(folder, `${name}.json`);
  mkdirSync(folder, { recursive: true });
  rmSync(reportPath, { force: true });

  const output = createWriteStream(join(folder, `${name}.log`));
  const program = join(root, "node_modules/vitest/vitest.mjs");
  const parameters = [
    "run",
    "--project",
    name,
    "--reporter=default",
    "--reporter=json",
    `--outputFile.json=${reportPath}`,
    ...options,
  ];
  const child = spawn(process.execPath, [program, ...parameters], {
    cwd: root,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, NO_COLOR: "1" },
  });
  child.stdout.pipe(output, { end: false });
  child.stderr.pipe(output, { end: false });
  const exitCode = await new Promise<number | null>((resolve, reject) =>
    child.on("error", reject).on("close", resolve),
  );
  output.end();
  await finished(output);

  const cases = readReport(root, reportPath);
  if (exitCode !== 0 && !cases.some(({ outcome }) => outcome === "failed")) {
    log(`vitest ended with code ${exitCode}; see build/test/${name}.log`);
    const message = readFileSync(join(folder, `${name}.log`), "utf8").slice(-3000);
    cases.push({ name: "vitest itself", outcome: "failed", milliseconds: 0, message });
  }
  return cases;
}

function readReport(root: string, path: string): CaseResult[] {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch {
    return [
      {
        name: "vitest itself",
        outcome: "failed",
        milliseconds: 0,
        message: "vitest ended without a report",
      },
    ];
  }
  return casesOfReport(root, JSON.parse(text) as VitestReport);
}

/**
 * One case for each test, named by file and title; a file that cannot be loaded is a failed case.
 */
export function casesOfReport(root: string, report: VitestReport): CaseResult[] {
  return report.testResults.flatMap((file) => {
    const path = relative(root, file.name);
    const cases = file.assertionResults.map((entry): CaseResult => {
      const outcome =
        entry.status === "passed" || entry.status === "failed" ? entry.status : "skipped";
      const message = entry.failureMessages?.map(withoutRunner).join("\n");
      return {
        name: `${path}: ${entry.fullName.trim()}`,
        outcome,
        milliseconds: entry.duration ?? 0,
        ...(message ? { message } : {}),
      };
    });
    const isBroken = file.status === "failed" && !cases.some(({ outcome }) => outcome === "failed");
    // The tests of such a file did not run, so they have no results.
    return isBroken
      ? [
          ...cases.filter(({ outcome }) => outcome === "passed"),
          {
            name: path,
            outcome: "failed",
            milliseconds: 0,
            message: file.message ?? "the file cannot be loaded",
          },
        ]
      : cases;
  });
}

/** Removes stack frames of vitest and of Node. */
function withoutRunner(message: string): string {
  return message
    .split("\n")
    .filter((line) => !/^\s+at .*(node_modules|node:internal|processTicksAndRejections)/.test(line))
    .join("\n");
}
