/** Files that hold an Ed25519 secret key. */
import { closeSync, constants, fstatSync, openSync, readFileSync } from "node:fs";
import { ed25519 } from "@noble/curves/ed25519.js";
import { refuse } from "../report/diagnostic.ts";

/** PKCS #8 (RFC 8410) of an Ed25519 key: this, then the 32 bytes. */
const PKCS8_PREFIX = "302e020100300506032b657004220420";
const PEM = /^-----BEGIN PRIVATE KEY-----\s+([A-Za-z0-9+/=\s]+?)\s+-----END PRIVATE KEY-----\s*$/;

/** Signs with a private key that never leaves this object. */
export interface KeyPair {
  readonly publicKey: Uint8Array;
  sign(message: Uint8Array): Uint8Array;
}

/** Opens the key of a file that only its owner can read. */
export function openKeyFile(path: string): KeyPair {
  return keyPair(readSecret(path));
}

/** The text of a key file. */
export function keyFileText(secret: Uint8Array): string {
  const der = Buffer.concat([Buffer.from(PKCS8_PREFIX, "hex"), secret]);
  return `-----BEGIN PRIVATE KEY-----\n${der.toString("base64")}\n-----END PRIVATE KEY-----\n`;
}

function keyPair(secret: Uint8Array): KeyPair {
  // A copy in a closure: no property to print or to serialize.
  const own = secret.slice();
  return { publicKey: ed25519.getPublicKey(own), sign: (message) => ed25519.sign(message, own) };
}

function readSecret(path: string): Uint8Array {
  let descriptor: number;
  try {
    descriptor = openSync(path, "r");
  } catch (error) {
    return refuse(
      `the key file ${path} cannot be read: ${(error as NodeJS.ErrnoException).code ?? "unknown reason"}`,
    );
  }
  try {
    // Of the opened file, not of the path: what is checked is what is read.
    const { mode } = fstatSync(descriptor);
    if ((mode & constants.S_IFMT) === constants.S_IFDIR)
      refuse(`the key file ${path} is a folder`, { help: "name the file in it" });
    if ((mode & 0o077) !== 0)
      refuse(`the key file ${path} can be read by others (mode ${(mode & 0o777).toString(8)})`, {
        help: `chmod 600 ${path}`,
      });
    return parseSecret(path, readFileSync(descriptor, "latin1"));
  } finally {
    closeSync(descriptor);
  }
}

/** The message never quotes the text: it may be a key after all. */
function parseSecret(path: string, text: string): Uint8Array {
  const hex = /^\s*([0-9a-fA-F]{64})\s*$/.exec(text)?.[1];
  if (hex !== undefined) return Buffer.from(hex, "hex");
  const base64 = PEM.exec(text)?.[1];
  const der = base64 === undefined ? "" : Buffer.from(base64, "base64").toString("hex");
  if (der.length === PKCS8_PREFIX.length + 64 && der.startsWith(PKCS8_PREFIX))
    return Buffer.from(der.slice(PKCS8_PREFIX.length), "hex");
  return refuse(`${path} holds no Ed25519 key`, {
    help: "make one with `openssl genpkey -algorithm ed25519 -out FILE`",
  });
}
