/** `trine inspect`: shows the contents of a file that Trine's tools write. */
import { readElf } from "../elf/read.ts";
import { formatArchive, isArchive, summarizeArchive } from "../inspect/archive.ts";
import { formatBlob, isBlob, summarizeBlob } from "../inspect/blob.ts";
import { formatElf, listFunction, summarizeElf } from "../inspect/elf.ts";
import { refuse } from "../report/diagnostic.ts";
import { readInputFile } from "./input-file.ts";

const ELF_MAGIC = "\x7fELF";

export async function inspect(
  path: string,
  options: { readonly function?: string; readonly json: boolean },
): Promise<void> {
  const print = (value: object, lines: () => string[]): void => {
    process.stdout.write(options.json ? `${JSON.stringify(value)}\n` : `${lines().join("\n")}\n`);
  };
  const bytes = readInputFile(path);
  if (bytes.subarray(0, 4).toString("latin1") === ELF_MAGIC) {
    const elf = readElf(bytes, path);
    if (options.function !== undefined) {
      const lines = listFunction(elf, options.function, path);
      return print({ kind: "listing", lines }, () => lines);
    }
    const summary = summarizeElf(elf);
    return print(summary, () => formatElf(summary));
  }
  if (options.function !== undefined) refuse("only an executable has functions", { file: path });
  if (isArchive(bytes)) {
    const summary = summarizeArchive(bytes, path);
    return print(summary, () => formatArchive(summary));
  }
  if (isBlob(bytes)) {
    const summary = summarizeBlob(bytes, path);
    return print(summary, () => formatBlob(summary));
  }
  refuse("neither an executable nor a boot archive nor a signed blob", {
    file: path,
    help: "of an ISO or a disk, look at the trine.arc beside it",
  });
}
