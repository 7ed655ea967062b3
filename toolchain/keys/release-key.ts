/** The key that TRINE_KEY names: a file, or a command that signs and keeps the key to itself. */
import { spawnSync } from "node:child_process";
import { refuse } from "../report/diagnostic.ts";
import { type KeyPair, openKeyFile } from "./key-file.ts";

const COMMAND = "exec:";
/** A hardware token may wait for a finger. */
const TIMEOUT_MS = 120_000;

export function openReleaseKey(environment: NodeJS.ProcessEnv = process.env): KeyPair {
  const named = environment["TRINE_KEY"]?.trim();
  if (named === undefined || named === "")
    return refuse("a release is signed with the key that TRINE_KEY names, and it is not set", {
      help: "TRINE_KEY=/path/to/key.pem, or TRINE_KEY='exec:COMMAND'",
    });
  return named.startsWith(COMMAND) ? commandKey(named.slice(COMMAND.length)) : openKeyFile(named);
}

/** Words are separated by spaces; no shell reads them. */
function commandKey(command: string): KeyPair {
  const [program, ...words] = command.split(/\s+/).filter((word) => word !== "");
  if (program === undefined) return refuse("TRINE_KEY names no command after `exec:`");
  const publicKey = run(program, [...words, "public-key"], undefined, 32);
  return { publicKey, sign: (message) => run(program, [...words, "sign"], message, 64) };
}

function run(
  program: string,
  words: readonly string[],
  input: Uint8Array | undefined,
  bytes: number,
): Uint8Array {
  const what = `\`${program} ${words.at(-1)}\``;
  const result = spawnSync(program, words, {
    input: input ?? "",
    timeout: TIMEOUT_MS,
    maxBuffer: 65536,
    stdio: ["pipe", "pipe", "inherit"],
  });
  if (result.error !== undefined)
    return refuse(
      `${what} cannot be run: ${(result.error as NodeJS.ErrnoException).code ?? result.error.name}`,
    );
  if (result.status !== 0)
    return refuse(
      `${what} ended with ${result.status === null ? `signal ${result.signal}` : `status ${result.status}`}`,
    );
  const text = result.stdout.toString("latin1").trim();
  if (!new RegExp(`^[0-9a-fA-F]{${bytes * 2}}$`).test(text))
    return refuse(`${what} printed no ${bytes * 2} hex digits`);
  return Buffer.from(text, "hex");
}
