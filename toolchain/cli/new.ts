/** `trine new`: creates the first files of a service or a driver. */
import { findRoot } from "../cache/tree.ts";
import { createProgram } from "../new/create.ts";
import { refuse } from "../report/diagnostic.ts";

export async function createNew(kind: string, name: string): Promise<void> {
  if (kind !== "service" && kind !== "driver")
    refuse(`\`${kind}\` is not a kind of program`, { help: "service or driver" });
  const { files, next } = await createProgram(findRoot(), kind, name);
  for (const file of files) process.stdout.write(`wrote ${file}\n`);
  for (const line of next) process.stdout.write(`${line}\n`);
}
