/**
 * A small system for tests of the policy compiler and the monitor: a console over a serial driver,
 * a file server and a shell.
 */
import { readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { sha256 } from "@noble/hashes/sha2.js";
import {
  type CompiledSystem,
  type ProgramInput,
  type SystemInput,
  compileSystem,
} from "../../policy/compiler/compile.ts";
import {
  bool,
  bytes,
  defineInterface,
  enumeration,
  handle,
  i32,
  text,
  u16,
  u32,
  u64,
  u8,
} from "../../toolchain/vocabulary/interface.ts";
import type { InterfaceDescription } from "../../toolchain/vocabulary/interface.ts";
import { type ImageDescription, interrupt, ports } from "../../toolchain/vocabulary/image.ts";
import { type ProgramDescription } from "../../toolchain/vocabulary/program.ts";

export const consoleInterface = defineInterface({
  name: "Console",
  id: 0x101,
  version: 1,
  errors: ["Closed", "TooFast"],
  methods: {
    write: { takes: { text: text(4096), urgent: bool } },
    readLine: { takes: { max: u32 }, returns: { text: text(1024) } },
    flush: {},
  },
});
export const uartInterface = defineInterface({
  name: "Uart",
  id: 0x102,
  version: 1,
  methods: {
    write: { takes: { data: bytes(256) } },
    configure: { takes: { baud: u32, mode: enumeration("raw", "cooked", "off"), parity: u8 } },
    share: { takes: { buffer: handle("Memory"), wake: handle("Notice"), at: u64 } },
  },
});
export const filesInterface = defineInterface({
  name: "Files",
  id: 0x103,
  version: 1,
  errors: ["NotFound", "Full"],
  methods: {
    open: {
      takes: { name: text(64), flags: u32, mode: enumeration("read", "write") },
      returns: { file: u64 },
    },
    read: {
      takes: { file: u64, offset: i32, bytes: u16 },
      returns: { data: bytes(65536), isEnd: bool },
    },
    seek: { takes: { first: u32, last: u32, from: i32, to: i32 } },
    lend: {
      takes: { file: u64 },
      returns: { pages: handle("Memory"), console: handle("Console") },
    },
  },
});
export const adminInterface = defineInterface({
  name: "Admin",
  id: 0x104,
  version: 1,
  methods: { shutdown: { takes: { code: u32 } }, stats: { returns: { total: u64 } } },
});

const KERNEL_INTERFACES = join(
  dirname(fileURLToPath(import.meta.url)),
  "../../services/interfaces/kernel",
);

export async function kernelInterfaces(): Promise<readonly InterfaceDescription[]> {
  const files = readdirSync(KERNEL_INTERFACES)
    .filter((file) => file.endsWith(".idl.ts"))
    .sort();
  return Promise.all(
    files.map(
      async (file) =>
        (
          (await import(pathToFileURL(join(KERNEL_INTERFACES, file)).href)) as {
            default: InterfaceDescription;
          }
        ).default,
    ),
  );
}

const programDescriptions: readonly (readonly [string, ProgramDescription])[] = [
  [
    "services/supervisor",
    { name: "supervisor", entry: "main.ts", kernel: { slots: "Slots", log: "Log" } },
  ],
  [
    "drivers/uart",
    {
      name: "uart",
      entry: "main.ts",
      serves: { port: uartInterface },
      devices: { registers: "ports", line: "interrupt" },
    },
  ],
  [
    "services/console",
    {
      name: "console",
      entry: "main.ts",
      serves: { terminal: consoleInterface },
      uses: { uart: uartInterface },
      kernel: { clock: "Clock" },
    },
  ],
  [
    "services/files",
    { name: "files", entry: "main.ts", serves: { files: filesInterface, admin: adminInterface } },
  ],
  [
    "services/shell",
    {
      name: "shell",
      entry: "main.ts",
      uses: { console: consoleInterface, files: filesInterface, admin: adminInterface },
      kernel: { policy: "Policy" },
    },
  ],
  ["services/attack", { name: "attack", entry: "main.ts", uses: { console: consoleInterface } }],
];

export const testImage: ImageDescription = {
  name: "test",
  version: 7,
  policy: [],
  slots: {
    supervisor: {
      program: "services/supervisor",
      class: "Supervisor",
      priority: 200,
      quota: { pages: 64 },
    },
    uart: {
      program: "drivers/uart",
      class: "Uart",
      priority: 150,
      quota: { pages: 64 },
      devices: { registers: ports(0x3f8, 8), line: interrupt(4) },
      restart: "always",
    },
    console: {
      program: "services/console",
      class: "Console",
      priority: 140,
      ceiling: 180,
      quota: { pages: 64, handles: 32 },
      channels: { uart: { to: "uart.port", badge: 5 } },
      restart: "onFault",
    },
    files: { program: "services/files", class: "Files", priority: 100, quota: { pages: 256 } },
    shell: {
      program: "services/shell",
      class: "Shell",
      priority: 50,
      quota: { pages: 64 },
      channels: { console: "console.terminal", files: "files.files", admin: "files.admin" },
    },
    attack: {
      program: "services/attack",
      class: "Attack",
      priority: 10,
      quota: { pages: 16 },
      channels: { console: "console.terminal" },
      autostart: false,
    },
  },
};

/** Classes and execute grants of `testImage`. */
const BASE_STATEMENTS = [
  "class Supervisor, Uart, Console, Files, Shell, Attack",
  ...["Supervisor", "Uart", "Console", "Files", "Shell", "Attack"].map(
    (name) => `allow execute ${name} program ${name.toLowerCase()}`,
  ),
].join(" ");
/** In a file of its own, for which other modules cannot speak. */
export const BASE_POLICY = `module base ${BASE_STATEMENTS}`;

export const testPrograms: readonly ProgramInput[] = programDescriptions.map(
  ([folder, description]) => ({
    folder,
    description,
    digest: sha256(new TextEncoder().encode(folder)),
    verified: true,
  }),
);

/** `statements` become `test.policy` from line 2 on. Its first line declares the classes. */
export async function testSystem(
  statements: string,
  change: Partial<SystemInput> = {},
): Promise<SystemInput> {
  return {
    image: testImage,
    imageFile: "images/test.image.ts",
    programs: testPrograms,
    interfaces: await kernelInterfaces(),
    policyFiles: [{ file: "test.policy", text: `module test ${BASE_STATEMENTS}\n${statements}` }],
    ...change,
  };
}

export async function compileTest(
  statements: string,
  change: Partial<SystemInput> = {},
): Promise<CompiledSystem> {
  return compileSystem(await testSystem(statements, change));
}
