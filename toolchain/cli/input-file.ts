import { readFileSync } from "node:fs";
import { refuse } from "../report/diagnostic.ts";

/** The file that the user named, relative to where he is. */
export function readInputFile(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return refuse(code === "ENOENT" ? "there is no such file" : `cannot be read: ${message}`, {
      file: path,
    });
  }
}
