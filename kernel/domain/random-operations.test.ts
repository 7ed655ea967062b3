import { beforeAll, expect, test } from "vitest";
import { Status } from "../abi/status.ts";
import { type KernelInNode, KernelInNode as Kernel, buildSystem, compileKernel, named } from "../../tests/support/kernel-in-node.ts";
import { ADD, CLIENT, COPY, GIVE, LIMITED, MANY, OTHER, ROOT, ROOT_SLOTS, SERVER, TEST_SYSTEM, startSlot, stopSlot } from "../../tests/support/test-system.ts";

let module: WebAssembly.Module;
let archive: Uint8Array;
beforeAll(async () => {
  module = await compileKernel();
  archive = await buildSystem(TEST_SYSTEM);
}, 60_000);

const SLOTS = [SERVER, CLIENT, OTHER];
const forty = Array.from({ length: 40 }, (_, index) => BigInt(index));

/** A generator with a seed, so that a failure can be run again. */
function randomOf(seed: number): (below: number) => number {
  let state = BigInt(seed) * 2654435761n + 1n;
  return (below) => {
    state = (state * 6364136223846793005n + 1442695040888963407n) & 0xffff_ffff_ffff_ffffn;
    return Number((state >> 33n) % BigInt(below));
  };
}

/** One random act of whoever runs, or of the supervisor. Numbers of handles and tokens are guessed around those that exist. */
function act(kernel: KernelInNode, random: (below: number) => number): void {
  const choice = random(100);
  if (choice < 4) return kernel.pass(BigInt(random(3_000_000)));
  if (choice < 7) {
    const slot = SLOTS[random(3)]!;
    kernel.call(kernel.threadOf(ROOT), ROOT_SLOTS, 12, 4, [BigInt(slot)]);
    return;
  }
  if (choice < 14) {
    kernel.call(kernel.threadOf(ROOT), ROOT_SLOTS, 12, 3, [BigInt(SLOTS[random(3)]!)]);
    return;
  }
  if (choice < 16) {
    if (kernel.currentSlot > 0) kernel.number("fault", 14, random(2) === 0 ? 6 : 4, BigInt(random(0x80000)));
    return;
  }
  kernel.number("endTurn");
  kernel.pass(1n);
  const thread = kernel.current;
  const slot = kernel.currentSlot;
  if (slot < 0) return kernel.pass(1_000_000n);
  if (slot === ROOT) {
    // It takes faults and lets some pass.
    const got = kernel.recv(thread, { record: 0x20000, timeout: 1n });
    if (got.status === Status.Ok) kernel.reply(thread, got.token, random(2) === 0 ? [] : [1n], { error: false });
    return;
  }
  const handle = 0x10000 + random(24);
  const timeout = random(3) === 0 ? BigInt(random(100_000)) : 1n;
  const long = { record: 0x20000 + random(2) * 0xf00, timeout, receive: { address: 0x22000, bytes: random(8192), handles: random(5) } };
  const domainWords = (...words: number[]): bigint[] => words.map(BigInt);
  const domain = (method: number, words: bigint[]): void => void kernel.call(thread, 0x10001, 1, method, words);
  switch (random(22)) {
    case 0: return domain(2, domainWords(1 + random(30000)));
    case 1: return domain(3, []);
    case 2: return domain(4, domainWords(0x10000 + random(16), 0x100));
    case 3: return domain(5, domainWords(0x10000 + random(16)));
    case 4: return domain(6, domainWords(0, 1 + random(100)));
    case 5: return domain(7, domainWords(handle, random(0x800), random(3)));
    case 6: return domain(8, domainWords(handle));
    case 7: return domain(9, domainWords(handle));
    case 8: return domain(10, domainWords(handle, random(4) * 4096, random(20000), random(2)));
    case 9: return domain(11, domainWords(0x110000 + random(4) * 0x10000));
    case 10: return void kernel.call(thread, handle, 3, 1, domainWords(0x10000 + random(16)));
    case 11: return void kernel.call(thread, handle, 5, 0, [1n]);
    case 12: return void kernel.call(thread, handle, 6, 1 + random(5), random(5) === 2 ? domainWords(random(101)) : []);
    case 13: return void kernel.recv(thread, random(2) === 0 ? { timeout, inbox: 0x10000 + random(10) } : long);
    case 14: return void kernel.recv(thread, { ...long, timeout: BigInt(random(2)) });
    case 15: return void kernel.reply(thread, BigInt(random(8)) | (BigInt(1 + random(6)) << 32n), [3n], { error: random(4) === 0, receive_: random(2) === 0 });
    case 16: return void kernel.reply(thread, BigInt(random(8)) | (BigInt(1 + random(6)) << 32n), [BigInt(handle)], { forward: true });
    case 17: return void kernel.reply(thread, BigInt(random(8)) | (BigInt(1 + random(6)) << 32n), [], { ...long, handles: [[handle, random(0x800)]] });
    case 18: return void kernel.call(thread, named(random(2)), 0x100, ADD, [1n, 2n], { timeout });
    case 19: return void kernel.call(thread, named(random(2)), 0x100, random(2) === 0 ? MANY : COPY, random(2) === 0 ? forty : [BigInt(random(5000)) << 32n], { ...long, arena: { address: 0x23000, bytes: random(5000) } });
    case 20: return void kernel.call(thread, named(random(2)), 0x100, GIVE, [], { ...long, handles: [[handle, random(0x800)]] });
    default: return void kernel.call(thread, named(random(2)), 0x100, LIMITED, [BigInt(random(200))], { timeout });
  }
}

test.each(Array.from({ length: 24 }, (_, seed) => seed))("whatever programs do, the kernel's invariants hold and everything is given back (seed %i)", (seed) => {
  const random = randomOf(seed);
  const kernel = new Kernel(module, archive);
  // What the supervisor itself takes on first use is there before the count.
  kernel.write(ROOT, 0x20000, new Uint8Array(0x1000));
  kernel.write(ROOT, 0x22000, new Uint8Array(0x1000));
  const free = kernel.number("availableFrames");
  for (const slot of SLOTS) startSlot(kernel, slot);
  for (let step = 0; step < 1000; step++) {
    try {
      act(kernel, random);
    } catch (error) {
      // A record that the harness cannot place in a domain out of quota; anything else is the kernel's.
      if (!(error instanceof Error) || !/faults at|cannot run/.test(error.message)) throw error;
    }
    kernel.check();
  }
  kernel.pass(1_000_000_000n);
  for (const slot of SLOTS) stopSlot(kernel, slot);
  kernel.check();
  expect(kernel.number("availableFrames")).toBe(free);
});
