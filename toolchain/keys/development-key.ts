/**
 * A developer's own key pair: made once, kept outside the tree, worth nothing to a release kernel.
 */
import { chmodSync, existsSync, linkSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";
import { ed25519 } from "@noble/curves/ed25519.js";
import { type KeyPair, keyFileText, openKeyFile } from "./key-file.ts";

const FOLDER_MODE = 0o700;
const FILE_MODE = 0o600;

/**
 * Where it is: $XDG_CONFIG_HOME/trine, by default ~/.config/trine. The specification says that a
 * relative XDG_CONFIG_HOME must be ignored.
 */
export function developmentKeyPath(environment: NodeJS.ProcessEnv = process.env): string {
  const configured = environment["XDG_CONFIG_HOME"];
  const base =
    configured !== undefined && isAbsolute(configured)
      ? configured
      : join(environment["HOME"] ?? homedir(), ".config");
  return join(base, "trine", "development.pem");
}

/** Opens the pair, making it where there is none. */
export function openDevelopmentKey(environment: NodeJS.ProcessEnv = process.env): KeyPair {
  const path = developmentKeyPath(environment);
  if (!existsSync(path)) create(path);
  return openKeyFile(path);
}

/**
 * Written under a name of its own and then linked, so that of two builds at once one wins and both
 * read a whole key.
 */
function create(path: string): void {
  const folder = join(path, "..");
  mkdirSync(folder, { recursive: true, mode: FOLDER_MODE });
  chmodSync(folder, FOLDER_MODE);
  const temporary = `${path}.${process.pid}.new`;
  try {
    writeFileSync(temporary, keyFileText(ed25519.utils.randomSecretKey()), {
      mode: FILE_MODE,
      flag: "wx",
    });
    linkSync(temporary, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  } finally {
    rmSync(temporary, { force: true });
  }
}
