/** The programs that set-up installs: one table, read here and by the shell scripts. */
import { accessSync, constants, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { refuse } from "../report/diagnostic.ts";

const TABLE = "toolchain/setup/programs.txt";

interface OutsideProgram {
  readonly name: string;
  /** The package of Debian and Ubuntu that brings it. */
  readonly package: string;
  /** Tasks of the Makefile that start it. */
  readonly tasks: readonly string[];
}

export function outsidePrograms(root: string): readonly OutsideProgram[] {
  const lines = readFileSync(join(root, TABLE), "utf8")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"));
  return lines.map((line) => {
    const [name = "", packageName = "", ...tasks] = line.split(/\s+/);
    return { name, package: packageName, tasks };
  });
}

/** Ends the current work: `program` could not be started. */
export function refuseToStart(program: string, error: Error): never {
  if ((error as NodeJS.ErrnoException).code !== "ENOENT")
    return refuse(`cannot start ${program}: ${error.message}`);
  return refuse(`${program} is not installed`, {
    help: "`make run`, `make test` and the other tasks of `make help` install what they need",
  });
}

/** Where the shell would find `program`, or null. */
export function findProgram(program: string, path = process.env["PATH"] ?? ""): string | null {
  const places = path.split(":").map((folder) => join(folder || ".", program));
  return (
    places.find((place) => {
      try {
        accessSync(place, constants.X_OK);
        return statSync(place).isFile();
      } catch {
        return false;
      }
    }) ?? null
  );
}
