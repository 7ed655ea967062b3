import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";

/**
 * Writes a file beside `path` and renames it, so that a reader sees the old text or the new one. A
 * file whose text is unchanged is not written again, so that its time of modification stays.
 */
export async function writeIfChanged(path: string, text: string): Promise<void> {
  const before = await readFile(path, "utf8").catch(() => null);
  if (before === text) return;
  await mkdir(dirname(path), { recursive: true });
  const temporary = resolve(`${path}.${process.pid}.tmp`);
  await writeFile(temporary, text);
  await rename(temporary, path);
}
