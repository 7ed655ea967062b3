/**
 * Numbers of `kernel/abi` for NASM: `build/generated/abi.inc`, one `%define NAME value` a line.
 * Assembly never repeats a number that TypeScript also uses.
 */
import { mkdirSync, readFileSync, writeFileSync, existsSync } from "node:fs";
import { dirname } from "node:path";
import * as addressSpace from "../../kernel/abi/address-space.ts";
import * as archive from "../../kernel/abi/archive.ts";
import * as status from "../../kernel/abi/status.ts";
import * as systemCall from "../../kernel/abi/system-call.ts";
import * as threadSaveArea from "../../kernel/abi/thread-save-area.ts";

/** Modules of the ABI that assembly uses, in the order of the file. */
const MODULES: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  "address-space": addressSpace,
  "thread-save-area": threadSaveArea,
  "system-call": systemCall,
  status,
  archive,
};

/**
 * The text of abi.inc. Enum members become `Enum_Member`; pairs of addresses `X_HIGH`, `X_LOW` also
 * one number `X_BASE`.
 */
export function bootConstants(): string {
  const lines = ["; Generated from kernel/abi by toolchain/image/boot-constants.ts."];
  const defined = new Map<string, bigint>();
  const define = (name: string, value: bigint): void => {
    if (defined.has(name)) throw new Error(`kernel/abi defines ${name} twice`);
    defined.set(name, value);
    lines.push(`%define ${name} 0x${value.toString(16)}`);
  };

  for (const [file, exports] of Object.entries(MODULES)) {
    lines.push(`; ${file}.ts`);
    for (const [name, value] of Object.entries(exports)) {
      if (typeof value === "number") define(name, BigInt(value));
      else if (typeof value === "object" && value !== null) {
        for (const [member, number] of Object.entries(value))
          if (typeof number === "number") define(`${name}_${member}`, BigInt(number));
      }
    }
  }

  lines.push("; 64-bit addresses");
  for (const name of Object.keys(addressSpace)) {
    if (!name.endsWith("_HIGH")) continue;
    const stem = name.slice(0, -"_HIGH".length);
    define(`${stem}_BASE`, (defined.get(name)! << 32n) | defined.get(`${stem}_LOW`)!);
  }
  return lines.join("\n") + "\n";
}

/** Writes abi.inc unless it is there with the same text already. */
export function writeBootConstants(path: string): void {
  const text = bootConstants();
  if (existsSync(path) && readFileSync(path, "utf8") === text) return;
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}
