import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { bootConstants } from "./boot-constants.ts";
import { findRoot } from "../cache/tree.ts";
import { assembleBootSectors, masterBootRecord, placeFiles } from "./boot-sectors.ts";
import { withoutGuard } from "./guards.ts";

const sectors = assembleBootSectors(findRoot());

test("the loader is one CD sector, the first sector of a disk leaves room for its partition table", () => {
  expect(sectors.loader).toHaveLength(2048);
  expect(sectors.mbr).toHaveLength(512);
  expect(sectors.mbr.subarray(440, 510).every((byte) => byte === 0)).toBe(true);
});

describe("the loader's table of places", () => {
  const kernel = { offset: 4096, bytes: 70_000 };

  test("holds places in sectors of 512 bytes", () => {
    const view = new DataView(
      placeFiles(sectors.loader, kernel, { offset: 1 << 20, bytes: 99 }, "a=b").buffer,
    );
    expect([12, 16, 20, 24].map((offset) => view.getUint32(offset, true))).toEqual([
      8, 70_000, 2048, 99,
    ]);
    expect(new TextDecoder().decode(new Uint8Array(view.buffer, 28, 4))).toBe("a=b\0");
  });

  test("takes a command line of 127 printable characters, no longer one, no other characters", () => {
    expect(() => placeFiles(sectors.loader, kernel, null, "x".repeat(127))).not.toThrow();
    expect(() => placeFiles(sectors.loader, kernel, null, "x".repeat(128))).toThrow(/at most 127/);
    expect(() => placeFiles(sectors.loader, kernel, null, "x\ny")).toThrow(/printable ASCII/);
  });

  test("refuses a place that a CD sector does not start at", () => {
    expect(() => placeFiles(sectors.loader, { offset: 512, bytes: 1 }, null, "")).toThrow(
      /multiple of 2048/,
    );
  });
});

test("the first sector has an active partition for a BIOS, and right behind it one for UEFI", () => {
  const efi = { offset: (2048 + 30_720) * 512, bytes: 512 * 512 };
  const sector = masterBootRecord(sectors.mbr, { offset: 1 << 20, bytes: 2048 }, 0xda, 2048, efi);
  const view = new DataView(sector.buffer);
  expect([
    sector[446],
    sector[450],
    view.getUint32(454, true),
    view.getUint32(458, true),
    view.getUint16(510, true),
  ]).toEqual([0x80, 0xda, 2048, 30_720, 0xaa55]);
  // Sector 2048 by 255 heads of 63 sectors: cylinder 0, head 32, sector 33.
  expect([...sector.subarray(447, 450)]).toEqual([32, 33, 0]);
  expect(view.getUint32(432, true)).toBe(2048);
  expect([sector[462], sector[466], view.getUint32(470, true), view.getUint32(474, true)]).toEqual([
    0, 0xef, 32_768, 512,
  ]);
  expect(sector.subarray(478, 510).every((byte) => byte === 0)).toBe(true);
});

test("assembly gets the ABI's numbers", () => {
  const text = bootConstants();
  expect(text).toContain("%define SAVE_RSP 0xa0\n");
  expect(text).toContain("%define KERNEL_LINEAR_BASE 0xfffffff000000000\n");
  expect(text).toContain("%define Status_Denied 0x2\n");
});

test("one guard at a time can be switched off, by a name that exists", () => {
  const text = "export const GUARD_SMEP: bool = true;\nexport const GUARD_NX: bool = true;\n";
  expect(withoutGuard(text, "nx")).toBe(
    "export const GUARD_SMEP: bool = true;\nexport const GUARD_NX: bool = false;\n",
  );
  expect(() => withoutGuard(text, "nix")).toThrow(/one of smep, nx/);
});

test("what UEFI firmware starts is an application that binutils know, and has all its text in it", () => {
  const folder = mkdtempSync(join(tmpdir(), "trine-efi-test-"));
  const path = join(folder, "boot.efi");
  execFileSync("nasm", ["-f", "bin", "-o", path, "boot/efi/needs-bios.asm"], { cwd: findRoot() });
  const headers = execFileSync("objdump", ["-f", "-h", "-p", path], { encoding: "utf8" });
  expect(headers).toContain("file format pei-x86-64");
  expect(headers).toMatch(/Subsystem\s+0000000a\s+\(EFI application\)/);
  expect(headers).toMatch(/start address 0x0*1000\n/);
  expect(headers).toMatch(/\.text\s+0+200\s+0*1000/);
  const file = readFileSync(path);
  expect(sectors.efi.length).toBeGreaterThan(file.length);
  expect(Buffer.from(sectors.efi).includes(file)).toBe(true);
  expect(file.toString("utf16le", file.indexOf("T\0r\0i\0n\0e"))).toMatch(
    /^Trine needs a BIOS for now[^]*Press a key to go back to the firmware\.\r\n\0/,
  );
  rmSync(folder, { recursive: true });
});
