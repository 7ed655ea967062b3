import { beforeAll, expect, test } from "vitest";
import * as save from "../abi/thread-save-area.ts";
import { RIGHT_CALL, RIGHT_MAP_READ } from "../abi/object.ts";
import { Status } from "../abi/status.ts";
import { buildSystem, compileKernel } from "../../tests/support/kernel-in-node.ts";
import { smallExecutable } from "../../tests/support/small-executable.ts";
import {
  ADD,
  CLIENT,
  CLIENT_ECHO,
  OTHER,
  SERVER,
  SILENT,
  TEST_SYSTEM,
  boot,
  domainCall,
} from "../../tests/support/test-system.ts";

// Each fence is proved by its absence: with it the attack fails, without it the same attack
// succeeds.
let archive: Uint8Array;
let whole: WebAssembly.Module;
beforeAll(async () => {
  whole = await compileKernel();
  archive = await buildSystem(TEST_SYSTEM);
});

type Attack = (module: WebAssembly.Module) => boolean;

/** Maps memory to write through a handle that may only read. */
const mapsToWrite: Attack = (module) => {
  const kernel = boot(module, archive, [CLIENT]);
  const memory = domainCall(kernel, CLIENT, 2, [4096n]).words[0]!;
  const reading = domainCall(kernel, CLIENT, 7, [memory, BigInt(RIGHT_CALL | RIGHT_MAP_READ), 0n])
    .words[0]!;
  return domainCall(kernel, CLIENT, 10, [reading, 0n, 4096n, 1n]).status === Status.Ok;
};

/** Answers a call that another domain received. */
const answersForAnother: Attack = (module) => {
  const kernel = boot(module, archive, [SERVER, CLIENT, OTHER]);
  kernel.recv(kernel.threadOf(SERVER));
  kernel.call(kernel.threadOf(CLIENT), CLIENT_ECHO, 0x100, ADD, [1n, 2n]);
  kernel.reply(kernel.threadOf(OTHER), kernel.result(kernel.threadOf(SERVER)).token, [666n]);
  return kernel.result(kernel.threadOf(CLIENT)).words[0] === 666n;
};

/** Takes more memory than the image gives. */
const takesTooMuch: Attack = (module) => {
  const kernel = boot(module, archive, [CLIENT]);
  return domainCall(kernel, CLIENT, 2, [4096n * 500n]).status === Status.Ok;
};

/** Calls what no rule allows. */
const callsTheForbidden: Attack = (module) => {
  const kernel = boot(module, archive, [SERVER, CLIENT]);
  kernel.recv(kernel.threadOf(SERVER));
  kernel.call(kernel.threadOf(CLIENT), CLIENT_ECHO, 0x100, SILENT);
  return kernel.number("threadState", kernel.threadOf(SERVER)) === 0;
};

/** Sends a message of another shape than the interface declares. */
const sendsTheMisshapen: Attack = (module) => {
  const kernel = boot(module, archive, [SERVER, CLIENT]);
  kernel.recv(kernel.threadOf(SERVER));
  kernel.call(kernel.threadOf(CLIENT), CLIENT_ECHO, 0x100, ADD, [1n]);
  return kernel.number("threadState", kernel.threadOf(SERVER)) === 0;
};

/** Boots with a program that is not the one measured. */
const runsAnotherProgram: Attack = (module) => {
  const changed = archive.slice();
  changed[
    Buffer.from(archive).indexOf(Buffer.from(smallExecutable({ name: "client" }))) + 0x2100
  ]! ^= 1;
  try {
    boot(module, changed, [CLIENT]);
    return true;
  } catch {
    return false;
  }
};

/** Has ports that no rule grants. */
const reachesPorts: Attack = (module) => {
  const kernel = boot(module, archive, [CLIENT]);
  const bitmap = Number(kernel.register(kernel.threadOf(CLIENT), save.SAVE_RESUME) >> 32n);
  return bitmap !== 0 && kernel.windowByte(bitmap + 0x64 / 8) === 0;
};

/** Writes to a page and finds it executable. */
const executesData: Attack = (module) => {
  const kernel = boot(module, archive, [CLIENT]);
  kernel.write(CLIENT, 0x20000, new Uint8Array([0x90]));
  const cr3 = kernel.register(kernel.threadOf(CLIENT), save.SAVE_CR3);
  let table = cr3;
  for (const index of [0n, 0n, 0n])
    table = kernel.view.getBigUint64(Number(table + index * 8n), true) & 0xf_ffff_ffff_f000n;
  return kernel.view.getBigUint64(Number(table + 0x20n * 8n), true) >> 63n === 0n;
};

test.each<[string, Attack]>([
  ["rights", mapsToWrite],
  ["token", answersForAnother],
  ["quota", takesTooMuch],
  ["verdict", callsTheForbidden],
  ["structure", sendsTheMisshapen],
  ["digest", runsAnotherProgram],
  ["ports", reachesPorts],
  ["nx", executesData],
])("the guard `%s` is what stops its attack", async (name, attack) => {
  expect(attack(whole)).toBe(false);
  expect(attack(await compileKernel({ without: name }))).toBe(true);
});
