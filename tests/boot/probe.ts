// A kernel without programs: it initializes the machine, prints what it finds, and then does what
// the command line asks for. The boot tests start it in every way in which the real kernel can be
// started.

import {
  archiveBytes,
  archiveStart,
  commandLineHas,
  memoryRangeCount,
  memoryRangeEnd,
  memoryRangeStart,
} from "../../kernel/x64/memory-map";
import { bootLine, initializeMachine, powerOff } from "../../kernel/x64/machine";
import { lineOf, LINE_TIMER } from "../../kernel/x64/interrupts";
import { panic } from "../../kernel/x64/panic";
import { loadPhysical32, storePhysical32 } from "../../kernel/x64/physical-memory";
import { endLine, logHex, logLine, logNumber, logText } from "../../kernel/x64/serial-log";
import { armTimer, nowNs, ticksPerSecond } from "../../kernel/x64/timer";
import { readTsc } from "../../kernel/x64/x64";
import { walkPageTables } from "./page-table-walk";

export { fastCall, fastRecv, fastReply } from "./no-fast-path";
export { kernelException } from "../../kernel/x64/panic";

const TICK_NS: u64 = 20_000_000;
const EXIT_CODE: u32 = 0x10;

let ticks: u32 = 0;
let startedNs: u64 = 0;
// biome-ignore lint/style/useConst: the compiler would fold a constant.
let zero: u32 = 0;

export function start(startInfo: u64): void {
  const before = readTsc();
  initializeMachine(startInfo);
  const ticks = readTsc() - before;
  bootLine();
  logText("probe: clock ");
  logNumber(ticksPerSecond());
  logText(" Hz known after us ");
  logNumber((ticks * 1_000_000) / ticksPerSecond());
  endLine();
  for (let i: u32 = 0; i < memoryRangeCount(); i++) {
    logText("probe: memory ");
    logHex(memoryRangeStart(i));
    logText(" ");
    logHex(memoryRangeEnd(i));
    endLine();
  }
  logText("probe: archive ");
  logNumber(archiveBytes());
  logText(" sum ");
  logHex(archiveSum());
  endLine();
  if (commandLineHas("greet")) logLine("probe: hello");

  if (commandLineHas("act=timer")) {
    startedNs = nowNs();
    armTimer(startedNs + TICK_NS);
    return;
  }
  act();
  logLine("probe: done");
  powerOff(EXIT_CODE);
}

/** Sum of the archive's 32-bit words. */
function archiveSum(): u64 {
  let sum: u64 = 0;
  const start = archiveStart();
  const words = archiveBytes() >> 2;
  for (let i: u64 = 0; i < words; i++) sum += loadPhysical32(start + (i << 2));
  return sum;
}

function act(): void {
  if (commandLineHas("act=walk")) walkPageTables();
  if (commandLineHas("act=panic")) outer(3);
  if (commandLineHas("act=assert")) assert(zero !== 0, "the probe asserts");
  if (commandLineHas("act=divide")) logNumber(7 / zero);
  if (commandLineHas("act=overflow")) logNumber(i64.MIN_VALUE / (<i64>zero - 1));
  if (commandLineHas("act=call-null")) logNumber(call_indirect<u64>(zero, <u64>1));
  if (commandLineHas("act=unreachable")) unreachable();
  if (commandLineHas("act=load-null")) logNumber(load<u32>(8 + zero));
  if (commandLineHas("act=load-middle")) logNumber(load<u32>(0x7fff_ffff + zero));
  if (commandLineHas("act=load-upper")) logNumber(load<u32>(0x8000_0000 + zero));
  if (commandLineHas("act=load-end")) logNumber(load<u32>(0xffff_ffff + zero));
  if (commandLineHas("act=load-text")) logNumber(loadPhysical32(0x100000 + zero));
  if (commandLineHas("act=store-archive")) storePhysical32(archiveStart() + zero, 1);
}

function outer(value: u32): void {
  if (value > zero) inner(value - 1);
}

function inner(value: u32): void {
  logNumber(value);
  endLine();
  if (value > zero) panic("the probe panics");
}

export function interrupt(vector: u32): void {
  if (lineOf(vector) !== LINE_TIMER) {
    logLine("probe: another interrupt");
    return;
  }
  ticks++;
  const late = nowNs() - startedNs - <u64>ticks * TICK_NS;
  logText("probe: tick ");
  logText(<i64>late >= 0 && late < TICK_NS ? "in time" : "out of time");
  endLine();
  if (ticks === 3) powerOff(EXIT_CODE);
  armTimer(startedNs + <u64>(ticks + 1) * TICK_NS);
}

/** There is no user code. */
export function systemCall(operation: u32): void {}
export function fault(vector: u32, errorCode: u32, address: u64): void {}
export function currentSaveArea(): u32 {
  return 0;
}
