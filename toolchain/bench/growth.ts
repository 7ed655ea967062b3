/**
 * The bench image grown as far as a system may grow: beside 1,000 domains, and under a policy of as
 * many classes as there may be. What a round trip costs there must be what it costs in the small
 * image.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CLASSES_MAX, FIRST_PROGRAM_CLASS } from "../../kernel/abi/blob.ts";
import { buildArchive } from "../image/archive.ts";
import { buildSystem } from "../image/system.ts";
import { signerFor } from "../keys/signer.ts";
import type { BuiltImage } from "../make/build-image.ts";
import { loadImage } from "../make/description.ts";
import type { BootMedium } from "../run/machine.ts";

const FOLDER = "build/bench/growth";
const POLICY = `${FOLDER}/growth.policy`;
/** The bencher starts so many (tests/bench/bencher/main.ts). */
const CROWD = 1000;

/**
 * What boots of the grown image; the kernel and the programs are those of `built`. With
 * `classesBeyond` more classes than there may be, the policy is refused.
 */
export async function growImage(
  root: string,
  built: BuiltImage,
  classesBeyond = 0,
): Promise<BootMedium> {
  const { file, description, programs } = await loadImage(root, built.name);
  mkdirSync(join(root, FOLDER), { recursive: true });
  const rules = description.policy.map((path) => readFileSync(join(root, path), "utf8")).join("\n");
  const classes = new Set(Object.values(description.slots).map((slot) => slot.class)).size;
  writeFileSync(
    join(root, POLICY),
    grownPolicy(rules, CLASSES_MAX - FIRST_PROGRAM_CLASS - classes + classesBeyond),
  );
  const [one] = Object.entries(description.slots).filter(([name]) => name.startsWith("crowd"));
  if (one === undefined) throw new Error("the bench image has no crowd");
  // The kernel has room for 8,192 objects.
  const waiting = { ...one[1], quota: { ...one[1].quota, objects: 4 } };
  const crowd = Array.from({ length: CROWD }, (_, index) => [`crowd${index}`, waiting] as const);
  const elfOf = (name: string): Uint8Array =>
    readFileSync(join(root, built.programs.find((program) => program.name === name)!.binaryPath));
  const executables = programs.map(({ folder, description: program }) => ({
    folder,
    description: program,
    elf: elfOf(program.name),
    verified: true,
  }));
  const { blob } = await buildSystem({
    root,
    imageFile: file,
    image: {
      ...description,
      policy: [POLICY],
      slots: { ...description.slots, ...Object.fromEntries(crowd) },
    },
    programs: executables,
    signer: signerFor(false),
    outDir: FOLDER,
  });
  const archive = join(root, FOLDER, "growth.arc");
  writeFileSync(archive, buildArchive({ blob, programs: executables.map(({ elf }) => elf) }));
  return { kind: "kernel", path: join(root, built.kernelImagePath), archive };
}

/** The rules with further classes, which may do what the bencher measures. */
function grownPolicy(rules: string, classes: number): string {
  const names = Array.from({ length: classes }, (_, index) => `Grown${index}`);
  return [
    rules,
    ...names.map((name) => `class ${name}`),
    ...names.map((name) => `allow ${name} -> Responder.Responder { four }`),
    "",
  ].join("\n");
}
