import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BlobError } from "../../kernel/abi/blob-error.ts";
import { compileMonitor, startMonitor } from "../../tests/support/load-monitor.ts";
import { smallExecutable } from "../../tests/support/small-executable.ts";
import { testSigner } from "../../tests/support/test-signer.ts";
import { imageNames, loadImage } from "../make/description.ts";
import { keyRingText } from "../keys/key-ring.ts";
import type { ImageDescription } from "../vocabulary/image.ts";
import { measureExecutable, readPolicyFiles } from "./draft.ts";
import { buildSystem } from "./system.ts";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "../..");
mkdirSync(join(ROOT, "build"), { recursive: true });
const folder = mkdtempSync(join(ROOT, "build", "system-test-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const signer = testSigner(11);

/** A stand-in for the executable. */
const executable = (name: string): Uint8Array => smallExecutable({ name });

describe("every image of the tree", () => {
  let kernelMonitor: Uint8Array;
  beforeAll(async () => {
    kernelMonitor = await compileMonitor({ keyRing: keyRingText([signer]) });
  });

  test.each(imageNames(ROOT))(
    "%s: its policy holds, and the kernel accepts the blob",
    async (name) => {
      const { file, description, programs } = await loadImage(ROOT, name);
      const system = await buildSystem({
        root: ROOT,
        imageFile: file,
        image: description,
        programs: programs.map((program) => ({
          ...program,
          elf: executable(program.folder),
          verified: true,
        })),
        signer,
        outDir: relative(ROOT, join(folder, name)),
      });
      expect(system.warnings).toEqual([]);
      expect(system.expects.failed).toBe(0);
      expect(readFileSync(join(ROOT, system.blobPath))).toEqual(Buffer.from(system.blob));
      expect(JSON.parse(readFileSync(join(ROOT, system.sidecarPath), "utf8"))).toMatchObject({
        format: 1,
        image: name,
      });

      const monitor = startMonitor(kernelMonitor);
      expect(monitor.number("monitorLoad", monitor.put(system.blob), system.blob.length)).toBe(
        BlobError.None,
      );
      expect(monitor.number("slotCount")).toBe(Object.keys(description.slots).length);
      const digests = Uint8Array.from(
        programs.flatMap((program) => [...measureExecutable(executable(program.folder))]),
      );
      expect(monitor.number("checkImage", monitor.put(digests), programs.length)).toBe(
        BlobError.None,
      );
      // Every slot that starts by itself may run its program.
      Object.keys(description.slots).forEach((_slot, i) => {
        expect(
          monitor.number(
            "judgeExecute",
            i,
            monitor.number("slotClass", i),
            monitor.number("programDigest", monitor.number("slotProgram", i)),
          ),
        ).toBe(0);
      });
    },
  );
});

test("an executable is measured over whole pages", () => {
  const padded = (bytes: number, pages: number): string =>
    createHash("sha256")
      .update(Buffer.alloc(pages * 4096, 0).fill(7, 0, bytes))
      .digest("hex");
  const measured = (bytes: number): string =>
    Buffer.from(measureExecutable(new Uint8Array(bytes).fill(7))).toString("hex");
  for (const [bytes, pages] of [
    [1, 1],
    [4095, 1],
    [4096, 1],
    [4097, 2],
    [8192, 2],
  ] as const)
    expect(measured(bytes)).toBe(padded(bytes, pages));
});

describe("the policy files of an image", () => {
  const image = (policy: readonly string[]): ImageDescription => ({
    name: "x",
    version: 1,
    policy,
    slots: {},
  });
  const root = mkdtempSync(join(tmpdir(), "trine-policy-"));
  mkdirSync(join(root, "policy"));
  writeFileSync(join(root, "policy/b.policy"), "module b");
  writeFileSync(join(root, "policy/a.policy"), "module a");
  afterAll(() => rmSync(root, { recursive: true, force: true }));

  writeFileSync(join(root, "x.image.ts"), "export default {\n  policy: [],\n};\n");
  mkdirSync(join(root, "policy/folder.d"));
  symlinkSync("nowhere", join(root, "policy/link.d"));
  writeFileSync(join(root, "policy/latin.d1"), Buffer.from("module caf\xe9", "latin1"));

  test("come sorted, each once", async () => {
    expect(
      (
        await readPolicyFiles(root, "x.image.ts", image(["policy/b.policy", "policy/*.policy"]))
      ).map(({ file }) => file),
    ).toEqual(["policy/a.policy", "policy/b.policy"]);
  });
  test.each([
    [
      "that do not exist",
      ["policy/*.policy", "policy/c.policy"],
      "x.image.ts:2:3: no policy file is called `policy/c.policy`; help: paths are relative to the root of the tree",
    ],
    [
      "of which there are none",
      [],
      'x.image.ts:2:3: the image names no policy; help: without a rule nothing may run: `policy: ["policy/modules/*.policy"]`',
    ],
    [
      "that are folders",
      ["policy/folder.d"],
      "policy/folder.d: the file cannot be read: EISDIR; help: the image's `policy` names it, maybe by a pattern",
    ],
    [
      "that are links to nothing",
      ["policy/link.d"],
      "policy/link.d: the file cannot be read: ENOENT; help: the image's `policy` names it, maybe by a pattern",
    ],
    [
      "of another encoding",
      ["policy/latin.d1"],
      "policy/latin.d1:1:1: the file is not UTF-8 text; help: save it as UTF-8",
    ],
  ])("%s are refused", async (_what, policy, message) => {
    await expect(readPolicyFiles(root, "x.image.ts", image(policy))).rejects.toThrow(message);
  });
});
