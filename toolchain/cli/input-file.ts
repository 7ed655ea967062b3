import { readFileSync } from "node:fs";
import { refuse } from "../report/diagnostic.ts";

/** Reads a file that the user named, relative to the current folder. */
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
