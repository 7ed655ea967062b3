import { readFileSync, writeFileSync, mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { assemble } from "../../toolchain/elf/assemble.ts";
import { linkProgram } from "../../toolchain/elf/link.ts";
import { BUILD } from "../../toolchain/cache/tree.ts";
import type { Target } from "../../toolchain/ir/module.ts";

/** Macros for tests: functions with their sizes, what crosses the boundary, and a domain's note. */
const PREAMBLE = `
bits 64
default rel
%macro function 1
        align 16, db 0xcc
global %1:function (%1.end - %1)
%1:
%endmacro
%macro endfunction 1
%1.end:
%endmacro
; name, mask of i32 parameters, mask of i32 results, kind (3: an entry point of the kernel)
%macro exported 3-4 1
section .trine.boundary noalloc progbits align=8
        dq %1
        dd %4, %2, %3, 0
section .text
%endmacro
section .linear progbits alloc noexec write align=4096
section .trine.unwind noalloc progbits
section .trine.boundary noalloc progbits align=8
section .data
section .rodata
section .text align=16
`;

const NOTE = `
section .note.trine note alloc noexec nowrite align=4
        dd 6, 40, 1
        db "Trine", 0, 0, 0
        dd 1, 0, 2, 4, 65536, 0
        dq 0
        dd LEVEL, 0
section .text
`;
/** The linker script of linux wants an entry point; hand-written code provides it. */
const LINUX_ENTRY = "global _start\n_start equ 0x400000000\n";

/**
 * An executable of a target from assembly text that stands for what the compiler makes, and text
 * that stands for what is written by hand.
 */
export function assembledProgram(
  name: string,
  target: Target,
  text: string,
  handWritten?: string,
  level = 1,
): Uint8Array {
  const root = resolve(import.meta.dirname, "../..");
  const folder = join(BUILD.cache, "verify-tests");
  mkdirSync(join(root, folder), { recursive: true });
  const source = join(folder, `${name}.asm`);
  const note = target === "kernel" ? "" : `LEVEL equ ${level}${NOTE}`;
  const head = target === "linux" ? `${note}${LINUX_ENTRY}` : note;
  writeFileSync(
    join(root, source),
    `${PREAMBLE}${head}${text}\nsection .note.GNU-stack noalloc noexec nowrite progbits\n`,
  );
  const object = readFileSync(assemble(root, source, {}));
  const assembly = handWritten === undefined ? [] : [join(folder, `${name}-stubs.asm`)];
  if (handWritten !== undefined) writeFileSync(join(root, assembly[0]!), handWritten);
  return linkProgram({
    root,
    target,
    object,
    assembly,
    assemblyDefinitions: {},
    linkerDefinitions:
      target === "linux"
        ? {}
        : {
            linear_address: 65536,
            ...(target === "domain"
              ? { stack_bytes: 65536 }
              : { linear_end: 131072, pvh_entry: 0x100000 }),
          },
  });
}
