import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { BootedMachine } from "./qemu.ts";

/** Prints `ready`, echoes what is typed, and on `q` writes 5 to the debug exit port. */
const ECHO_BOOT_SECTOR = `
bits 16
org 0x7c00
  cld
  mov si, ready
print:
  lodsb
  test al, al
  jz echo
  call send
  jmp print
echo:
  mov dx, 0x3fd
  in al, dx
  test al, 1
  jz echo
  mov dx, 0x3f8
  in al, dx
  cmp al, 'q'
  je quit
  call send
  jmp echo
quit:
  mov dx, 0xf4
  mov eax, 5
  out dx, eax
  hlt
send:
  mov ah, al
  mov dx, 0x3fd
.wait:
  in al, dx
  test al, 0x20
  jz .wait
  mov al, ah
  mov dx, 0x3f8
  out dx, al
  ret
ready: db "ready", 10, 0
times 510-($-$$) db 0
dw 0xaa55
`;

let folder = "";
const boot = () =>
  ({ boot: { kind: "disk", path: join(folder, "echo.img") }, memoryMiB: 16 }) as const;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "trine-echo-"));
  writeFileSync(join(folder, "echo.asm"), ECHO_BOOT_SECTOR);
  execFileSync("nasm", ["-f", "bin", "-o", join(folder, "echo.img"), join(folder, "echo.asm")]);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("text is awaited, typed and echoed, and the guest's exit value arrives", async () => {
  await using machine = BootedMachine.start(boot());
  expect(await machine.waitFor("ready\n")).toBe("ready\n");
  machine.type("abc");
  expect(await machine.waitFor(/b(.)/)).toBe("abc");
  machine.type("q");
  expect(await machine.exitValue()).toBe(5);
});

test("the screen is read as text and written as a picture", async () => {
  await using machine = BootedMachine.start({ ...boot(), countInstructions: true });
  await machine.waitFor("ready");
  expect((await machine.screenText()).join("\n")).toContain("SeaBIOS");
  await machine.screendump(join(folder, "screen.ppm"));
  expect(readFileSync(join(folder, "screen.ppm")).subarray(0, 2).toString()).toBe("P6");
});

test("a wait that fails shows what was printed instead", async () => {
  await using machine = BootedMachine.start(boot());
  await machine.waitFor("rea");
  await expect(machine.waitFor("never printed", 300)).rejects.toThrow(
    /never printed did not show up within 300 ms[^]*ready/,
  );
});

test("a wait ends as soon as QEMU does", async () => {
  await using machine = BootedMachine.start({
    boot: { kind: "disk", path: join(folder, "missing.img") },
  });
  await expect(machine.waitFor("ready")).rejects.toThrow(/before QEMU ended[^]*missing\.img/);
});
