import { ed25519, ED25519_TORSION_SUBGROUP } from "@noble/curves/ed25519.js";
import { sha256, sha512 } from "@noble/hashes/sha2.js";
import { bytesToHex, hexToBytes } from "@noble/hashes/utils.js";
import { beforeAll, describe, expect, test } from "vitest";
import { type Monitor, loadMonitor } from "../../../tests/support/load-monitor.ts";

let monitor: Monitor;
beforeAll(async () => {
  monitor = await loadMonitor();
});

function verify(key: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  monitor.clear();
  return (
    monitor.number(
      "ed25519Verify",
      monitor.put(key),
      monitor.put(message),
      message.length,
      monitor.put(signature),
    ) === 1
  );
}

/** A source of bytes that is the same in every run. */
function* randomBytes(seed: number): Generator<number, never> {
  let state = seed;
  for (;;) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    yield state >>> 24;
  }
}
function take(source: Generator<number, never>, count: number): Uint8Array {
  return Uint8Array.from({ length: count }, () => source.next().value);
}

const ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;
const PRIME = 2n ** 255n - 19n;
function littleEndian(value: bigint): Uint8Array {
  return Uint8Array.from({ length: 32 }, (_, i) => Number((value >> BigInt(8 * i)) & 0xffn));
}
function fromLittleEndian(bytes: Uint8Array): bigint {
  return bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
}

// RFC 8032, 7.1: secret key, public key, message, signature.
const RFC_8032: readonly (readonly [string, string, string, string, string])[] = [
  [
    "test 1",
    "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
    "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
    "",
    "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
  ],
  [
    "test 2",
    "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
    "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
    "72",
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
  ],
  [
    "test 3",
    "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
    "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
    "af82",
    "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
  ],
  [
    "test SHA(abc)",
    "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
    "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
    "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
    "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704",
  ],
];

describe("Ed25519", () => {
  test.each(RFC_8032)(
    "accepts RFC 8032, %s, and nothing one bit away",
    (_name, _secret, key, message, signature) => {
      expect(verify(hexToBytes(key), hexToBytes(message), hexToBytes(signature))).toBe(true);
      for (let bit = 0; bit < 512; bit += 37) {
        const bad = hexToBytes(signature);
        bad[bit >> 3] ^= 1 << (bit & 7);
        expect(verify(hexToBytes(key), hexToBytes(message), bad)).toBe(false);
      }
      expect(
        verify(hexToBytes(key), Uint8Array.of(...hexToBytes(message), 0), hexToBytes(signature)),
      ).toBe(false);
    },
  );

  test("agrees with another implementation on random keys and messages, signed and spoilt", () => {
    const source = randomBytes(1);
    for (let i = 0; i < 150; i++) {
      const secret = take(source, 32);
      const key = ed25519.getPublicKey(secret);
      const message = take(source, (i * 7) % 300);
      const signature = ed25519.sign(message, secret);
      expect(verify(key, message, signature)).toBe(true);
      const spoilt = [key.slice(), Uint8Array.of(...message, 1), signature.slice()] as const;
      const which = spoilt[i % 3] ?? signature;
      which[(source.next().value * 3) % which.length] ^= 1 << (i % 8);
      const [badKey, badMessage, badSignature] = [
        i % 3 === 0 ? spoilt[0] : key,
        i % 3 === 1 ? spoilt[1] : message,
        i % 3 === 2 ? spoilt[2] : signature,
      ];
      let theirs = false;
      try {
        theirs = ed25519.verify(badSignature, badMessage, badKey, { zip215: false });
      } catch {
        // A key that is no point is refused by an exception there.
      }
      expect(verify(badKey, badMessage, badSignature)).toBe(theirs);
    }
  });

  test("refuses S + L, the same signature in another form", () => {
    const [, , key, message, signature] = RFC_8032[2] ?? [];
    if (key === undefined || message === undefined || signature === undefined)
      throw new Error("no vector");
    const bytes = hexToBytes(signature);
    const s = fromLittleEndian(bytes.slice(32));
    for (const multiple of [1n, 2n, 15n]) {
      if (s + multiple * ORDER >= 2n ** 256n) continue;
      const forged = Uint8Array.of(...bytes.slice(0, 32), ...littleEndian(s + multiple * ORDER));
      expect(verify(hexToBytes(key), hexToBytes(message), forged)).toBe(false);
    }
  });

  test("refuses every key of small order, whatever the signature", () => {
    for (const torsion of ED25519_TORSION_SUBGROUP) {
      const key = hexToBytes(torsion);
      for (const r of ED25519_TORSION_SUBGROUP) {
        expect(
          verify(
            key,
            Uint8Array.of(1, 2, 3),
            Uint8Array.of(...hexToBytes(r), ...new Uint8Array(32)),
          ),
        ).toBe(false);
      }
    }
  });

  test("refuses keys that are no canonical encoding of a point", () => {
    const signature = Uint8Array.of(1, ...new Uint8Array(63));
    for (let above = 0n; above < 19n; above++) {
      expect(verify(littleEndian(PRIME + above), new Uint8Array(4), signature)).toBe(false);
      expect(verify(littleEndian(PRIME + above + 2n ** 255n), new Uint8Array(4), signature)).toBe(
        false,
      );
    }
    expect(verify(littleEndian(1n + 2n ** 255n), new Uint8Array(4), signature)).toBe(false);
  });

  test("refuses an R that is the right point in a form of its own", () => {
    // R = neutral (y = 1) encoded as p + 1: with S = k a it satisfies the equation, but not the
    // encoding.
    const secret = new Uint8Array(32).fill(7);
    const key = ed25519.getPublicKey(secret);
    const { scalar } = ed25519.utils.getExtendedPublicKey(secret);
    const message = Uint8Array.of(9);
    for (const [r, expected] of [
      [littleEndian(1n), true],
      [littleEndian(PRIME + 1n), false],
    ] as const) {
      const k = fromLittleEndian(sha512(Uint8Array.of(...r, ...key, ...message))) % ORDER;
      expect(verify(key, message, Uint8Array.of(...r, ...littleEndian((k * scalar) % ORDER)))).toBe(
        expected,
      );
    }
  });
});

describe("hashes", () => {
  const digest = (name: "256" | "512", message: Uint8Array, pieces: readonly number[]): string => {
    monitor.clear();
    const context = monitor.put(new Uint8Array(208));
    const out = monitor.put(new Uint8Array(64));
    const data = monitor.put(message);
    monitor.run(`sha${name}Begin`, context);
    let at = 0;
    for (const piece of pieces) {
      const bytes = Math.min(piece, message.length - at);
      monitor.run(`sha${name}Update`, context, data + at, bytes);
      at += bytes;
    }
    monitor.run(`sha${name}Update`, context, data + at, message.length - at);
    monitor.run(`sha${name}End`, context, out);
    return bytesToHex(monitor.read(out, name === "256" ? 32 : 64));
  };

  test.each([
    ["", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"],
    ["abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"],
    [
      "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
    ],
  ])("SHA-256 of %j is what FIPS 180-4 says", (text, expected) => {
    expect(digest("256", new TextEncoder().encode(text), [])).toBe(expected);
  });

  test.each([
    [
      "abc",
      "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
    ],
  ])("SHA-512 of %j is what FIPS 180-4 says", (text, expected) => {
    expect(digest("512", new TextEncoder().encode(text), [])).toBe(expected);
  });

  test("do not depend on how the message is cut, for every length around the padding", () => {
    const source = randomBytes(5);
    for (let length = 0; length <= 270; length++) {
      const message = take(source, length);
      const pieces = [source.next().value % 70, source.next().value % 140, source.next().value % 5];
      expect(digest("256", message, pieces)).toBe(bytesToHex(sha256(message)));
      expect(digest("512", message, pieces)).toBe(bytesToHex(sha512(message)));
    }
  });
});
