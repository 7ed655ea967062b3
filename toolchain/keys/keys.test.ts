import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { execFileSync } from "node:child_process";
import { ed25519 } from "@noble/curves/ed25519.js";
import { bytesToHex } from "@noble/hashes/utils.js";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  BLOB_BYTES,
  BLOB_MAGIC_HIGH,
  BLOB_MAGIC_LOW,
  BLOB_PUBLIC_KEY,
  KeyPurpose,
} from "../../kernel/abi/blob.ts";
import { DiagnosticError } from "../report/diagnostic.ts";
import { developmentKeyPath, openDevelopmentKey } from "./development-key.ts";
import { keyFileText } from "./key-file.ts";
import { keyRingText } from "./key-ring.ts";
import { openReleaseKey } from "./release-key.ts";
import { signBlob } from "./sign-blob.ts";
import { signerFor } from "./signer.ts";

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "trine-keys-"));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const secret = new Uint8Array(32).fill(0x5a);
const mode = (path: string): number => statSync(path).mode & 0o777;
function keyFile(text: string, fileMode = 0o600): string {
  const path = join(home, "key");
  writeFileSync(path, text);
  chmodSync(path, fileMode);
  return path;
}

describe("the development key", () => {
  test("is made once, readable by its owner alone, and then opened", () => {
    const environment = { XDG_CONFIG_HOME: home };
    const first = openDevelopmentKey(environment);
    const path = join(home, "trine", "development.pem");
    expect(mode(path)).toBe(0o600);
    expect(mode(join(home, "trine"))).toBe(0o700);
    expect(readdirSync(join(home, "trine"))).toEqual(["development.pem"]);
    const before = readFileSync(path, "utf8");
    const second = openDevelopmentKey(environment);
    expect(readFileSync(path, "utf8")).toBe(before);
    expect(bytesToHex(second.publicKey)).toBe(bytesToHex(first.publicKey));
    const message = Uint8Array.of(1, 2, 3);
    expect(ed25519.verify(second.sign(message), message, first.publicKey)).toBe(true);
  });

  test("stands in ~/.config where XDG_CONFIG_HOME is not set, or is relative", () => {
    expect(developmentKeyPath({ HOME: "/home/a" })).toBe("/home/a/.config/trine/development.pem");
    expect(developmentKeyPath({ HOME: "/home/a", XDG_CONFIG_HOME: "" })).toBe(
      "/home/a/.config/trine/development.pem",
    );
    expect(developmentKeyPath({ HOME: "/home/a", XDG_CONFIG_HOME: "x" })).toBe(
      "/home/a/.config/trine/development.pem",
    );
  });

  test("is tightened to its owner where the folder was open", () => {
    mkdirSync(join(home, "trine"), { mode: 0o755 });
    openDevelopmentKey({ XDG_CONFIG_HOME: home });
    expect(mode(join(home, "trine"))).toBe(0o700);
  });

  test("differs from one developer to the next", () => {
    const one = openDevelopmentKey({ XDG_CONFIG_HOME: join(home, "a") });
    const other = openDevelopmentKey({ XDG_CONFIG_HOME: join(home, "b") });
    expect(bytesToHex(one.publicKey)).not.toBe(bytesToHex(other.publicKey));
  });
});

describe("TRINE_KEY", () => {
  test("names a file: PEM or hex digits", () => {
    const expected = bytesToHex(ed25519.getPublicKey(secret));
    expect(bytesToHex(openReleaseKey({ TRINE_KEY: keyFile(keyFileText(secret)) }).publicKey)).toBe(
      expected,
    );
    expect(
      bytesToHex(openReleaseKey({ TRINE_KEY: keyFile(`${bytesToHex(secret)}\n`) }).publicKey),
    ).toBe(expected);
  });

  test("takes what openssl writes", () => {
    const path = join(home, "openssl.pem");
    try {
      execFileSync("openssl", ["genpkey", "-algorithm", "ed25519", "-out", path], {
        stdio: "ignore",
      });
    } catch {
      // No openssl on this machine: one of its files, as text.
      writeFileSync(
        path,
        "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PRIVATE KEY-----\n",
      );
    }
    chmodSync(path, 0o600);
    expect(openReleaseKey({ TRINE_KEY: path }).publicKey).toHaveLength(32);
  });

  test("takes RFC 8410's own example", () => {
    const path = keyFile(
      "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PRIVATE KEY-----\n",
    );
    expect(bytesToHex(openReleaseKey({ TRINE_KEY: path }).publicKey)).toBe(
      "19bf44096984cdfe8541bac167dc3b96c85086aa30b6b6cb0c5c38ad703166e1",
    );
  });

  test("names a command that signs and keeps the key", () => {
    const script = join(home, "signer.mjs");
    const noble = new URL("../../node_modules/@noble/curves/ed25519.js", import.meta.url).href;
    writeFileSync(
      script,
      `import { ed25519 } from "${noble}"; import { readFileSync } from "node:fs";
const secret = new Uint8Array(32).fill(7);
console.log(Buffer.from(process.argv.at(-1) === "sign" ? ed25519.sign(new Uint8Array(readFileSync(0)), secret) : ed25519.getPublicKey(secret)).toString("hex"));`,
    );
    const signer = signerFor(true, { TRINE_KEY: `exec:${process.execPath}  ${script}` });
    const message = Uint8Array.of(4, 5, 6);
    expect(
      ed25519.verify(
        signer.sign(message),
        message,
        ed25519.getPublicKey(new Uint8Array(32).fill(7)),
      ),
    ).toBe(true);
  });

  const message = (environment: NodeJS.ProcessEnv): string => {
    try {
      openReleaseKey(environment);
    } catch (error) {
      if (error instanceof DiagnosticError) return error.message;
      throw error;
    }
    return "accepted";
  };
  test("is refused with a reason that quotes no key", () => {
    expect(message({})).toContain("TRINE_KEY names, and it is not set; help: TRINE_KEY=/path");
    expect(message({ TRINE_KEY: "  " })).toContain("it is not set");
    expect(message({ TRINE_KEY: join(home, "missing") })).toContain("cannot be read: ENOENT");
    expect(message({ TRINE_KEY: home })).toContain("is a folder; help: name the file in it");
    expect(message({ TRINE_KEY: keyFile(keyFileText(secret), 0o640) })).toMatch(
      /can be read by others \(mode 640\); help: chmod 600/,
    );
    for (const text of [
      "",
      "secret",
      bytesToHex(secret).slice(2),
      `${bytesToHex(secret)}00`,
      keyFileText(secret).replace("MC4C", "MC5C"),
      keyFileText(secret).slice(0, -10),
      "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
    ]) {
      const said = message({ TRINE_KEY: keyFile(text) });
      expect(said).toContain("holds no Ed25519 key");
      expect(said).not.toContain(bytesToHex(secret).slice(2, 40));
    }
    expect(message({ TRINE_KEY: "exec:" })).toContain("names no command");
    expect(message({ TRINE_KEY: "exec:/no/such/program" })).toContain("cannot be run: ENOENT");
    expect(message({ TRINE_KEY: "exec:/bin/false" })).toContain("ended with status 1");
    expect(message({ TRINE_KEY: "exec:/bin/echo hello" })).toContain("printed no 64 hex digits");
  });

  test("looks at the file behind a link", () => {
    const path = keyFile(keyFileText(secret), 0o644);
    symlinkSync(path, join(home, "link"));
    expect(message({ TRINE_KEY: join(home, "link") })).toContain("can be read by others");
  });
});

describe("a signer", () => {
  test("does not show its secret: neither printed nor serialized", () => {
    const signer = signerFor(true, { TRINE_KEY: keyFile(keyFileText(secret)) });
    const shown =
      inspect(signer, { depth: 10, showHidden: true }) +
      JSON.stringify(signer) +
      signer.sign.toString();
    expect(shown).not.toContain(bytesToHex(secret));
    expect(shown).not.toContain("90, 90, 90, 90");
    expect(shown).not.toContain("90,90,90,90");
  });

  test("says who it is, and for which kernel", () => {
    const development = signerFor(false, { XDG_CONFIG_HOME: home });
    const release = signerFor(true, { TRINE_KEY: keyFile(keyFileText(secret)) });
    expect(development.identity).toBe(`Development:${bytesToHex(development.publicKey)}`);
    expect(release.identity).toBe(`Release:${bytesToHex(release.publicKey)}`);
    expect(release.keyRing).toContain("KEY_COUNT: u32 = 1;");
    expect(release.keyRing).toContain(
      [...release.publicKey, KeyPurpose.Release, 0, 0, 0].join(", "),
    );
    expect(release.keyRing).not.toContain([...development.publicKey].join(", "));
    expect(existsSync(join(home, "trine", "development.pem"))).toBe(true);
  });

  test("never makes a kernel without a key", () => {
    expect(() => keyRingText([])).toThrow("accepts no policy");
  });
});

describe("signBlob", () => {
  const signer = {
    publicKey: ed25519.getPublicKey(secret),
    purpose: KeyPurpose.Release,
    sign: (message: Uint8Array) => ed25519.sign(message, secret),
  };
  function blob(): Uint8Array {
    const bytes = new Uint8Array(256);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, BLOB_MAGIC_LOW, true);
    view.setUint32(4, BLOB_MAGIC_HIGH, true);
    view.setUint32(BLOB_BYTES, 256, true);
    return bytes;
  }
  test("leaves its input alone and signs everything before the signature", () => {
    const unsigned = blob();
    const signed = signBlob(unsigned, signer);
    expect(unsigned).toEqual(blob());
    expect(signed.subarray(BLOB_PUBLIC_KEY, BLOB_PUBLIC_KEY + 32)).toEqual(
      Uint8Array.from(signer.publicKey),
    );
    expect(ed25519.verify(signed.subarray(192), signed.subarray(0, 192), signer.publicKey)).toBe(
      true,
    );
  });
  test("refuses what is no blob, and a signer that signs with another key than it shows", () => {
    expect(() => signBlob(new Uint8Array(256), signer)).toThrow("not a policy blob");
    expect(() => signBlob(blob().slice(0, 250), signer)).toThrow("another length");
    expect(() =>
      signBlob(blob(), { ...signer, publicKey: ed25519.getPublicKey(new Uint8Array(32)) }),
    ).toThrow("does not verify");
  });
});
