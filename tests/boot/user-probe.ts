// A kernel with one thread, whose code is the archive: the probe of the entry and exit stubs. It
// prints what the thread reports, and which fault each of its forbidden instructions raised.

import {
  SAVE_BYTES,
  SAVE_CR3,
  SAVE_FS_BASE,
  SAVE_FS_PROVEN,
  SAVE_PORTS,
  SAVE_RAX,
  SAVE_RBX,
  SAVE_RDI,
  SAVE_RDX,
  SAVE_RESUME,
  SAVE_RFLAGS,
  SAVE_RIP,
  SAVE_RSI,
  SAVE_RSP,
  RESUME_ALL,
  RESUME_SYSTEM_CALL,
} from "../../kernel/abi/thread-save-area";
import { lineOf } from "../../kernel/x64/interrupts";
import { initializeMachine, powerOff } from "../../kernel/x64/machine";
import {
  archiveBytes,
  archiveStart,
  commandLineHas,
  memoryRangeStart,
} from "../../kernel/x64/memory-map";
import {
  addTable,
  initializePaging,
  initializeRoot,
  mapPage,
  PageAccess,
  tablesMissing,
} from "../../kernel/x64/paging";
import { fillPhysical, loadPhysical64, storePhysical64 } from "../../kernel/x64/physical-memory";
import { endLine, logHex, logLine, logNumber, logText } from "../../kernel/x64/serial-log";
import { armTimer, nowNs } from "../../kernel/x64/timer";
import { callAddress, processorFlags } from "./planted";

export { fastCall, fastRecv, fastReply } from "./no-fast-path";
export { kernelException } from "../../kernel/x64/panic";

const CODE: u64 = 0x10_0000_0000;
const STACK: u64 = 0x10_0001_0000;
const STACK_TOP: u64 = STACK + 4096;
const FS_BASE: u64 = STACK + 256;
const FS_WORD: u64 = 0xfeed_face_0000_0000;
/**
 * Distance from the direct map to address 0, by which a wrong physical address reaches the user
 * half.
 */
const WRAP: u64 = 0x8000_0000_0000;
const GRANTED_PORT: u32 = 0x80;
/** Where the next forbidden instruction starts: code is aligned to this. */
const STEP: u64 = 32;
const TICK_NS: u64 = 200_000;
const TICKS_MAX: u32 = 3;
const EXIT_CODE: u32 = 0x10;
/** AC, DF, TF: never set in the kernel. */
const FLAGS_FORBIDDEN: u64 = 0x40500;

const area = memory.data(SAVE_BYTES, 64);
const bitmap = memory.data(8200, 64);
let frame: u64 = 0;
let ticks: u32 = 0;
let isRunning: bool = false;

export function start(startInfo: u64): void {
  initializeMachine(startInfo);
  initializePaging();
  frame = memoryRangeStart(0);
  const root = takeFrame();
  initializeRoot(root, 0);
  const pages = (archiveBytes() + 4095) >> 12;
  for (let page: u64 = 0; page < pages; page++)
    map(root, CODE + (page << 12), archiveStart() + (page << 12), PageAccess.Execute);
  const stack = takeFrame();
  map(root, STACK, stack, PageAccess.Write);
  storePhysical64(stack + 256 + 8, FS_WORD);

  memory.fill(area, 0, SAVE_BYTES);
  memory.fill(bitmap, 0xff, 8200);
  store<u8>(bitmap + (GRANTED_PORT >> 3), 0xfe);
  store<u64>(area, CODE, SAVE_RIP);
  store<u64>(area, STACK_TOP, SAVE_RSP);
  store<u64>(area, 0x77, SAVE_RDI);
  store<u64>(area, FS_BASE, SAVE_FS_BASE);
  store<u64>(area, FS_BASE, SAVE_FS_PROVEN);
  store<u64>(area, root, SAVE_CR3);
  // IOPL 3, NT, AC, TF: none of these may get through.
  store<u64>(area, 0x47100, SAVE_RFLAGS);
  store<u32>(area, RESUME_ALL, SAVE_RESUME);
  store<u32>(area, <u32>bitmap, SAVE_PORTS);
  isRunning = true;
}

function takeFrame(): u64 {
  const taken = frame;
  frame += 4096;
  fillPhysical(taken, 0, 4096);
  return taken;
}

function map(root: u64, address: u64, physical: u64, access: PageAccess): void {
  for (let missing = tablesMissing(root, address); missing > 0; missing--)
    addTable(root, address, takeFrame());
  mapPage(root, address, physical, access, false);
}

function checkFlags(): void {
  if ((processorFlags() & FLAGS_FORBIDDEN) !== 0) logLine("probe: user flags in the kernel");
}

export function systemCall(operation: u32): void {
  checkFlags();
  if (load<u32>(area, SAVE_RESUME) !== RESUME_SYSTEM_CALL) logLine("probe: wrong way back");
  logText("probe: call ");
  logNumber(operation);
  report(load<u64>(area, SAVE_RDI));
  report(load<u64>(area, SAVE_RSI));
  report(load<u64>(area, SAVE_RDX));
  endLine();
  if (operation === 0) plant();
  store<u64>(area, 5, SAVE_RAX);
  store<u64>(area, load<u64>(area, SAVE_RBX) + 1, SAVE_RBX);
  if (operation === 1) armTimer(nowNs() + TICK_NS);
}

/** A bug of the kernel, on request: a load from a wrong address in the user half. */
function plant(): void {
  if (commandLineHas("plant=read")) {
    logText("probe: the kernel read");
    report(loadPhysical64(WRAP + FS_BASE + 8));
    endLine();
  }
  if (commandLineHas("plant=run")) {
    // The function stands behind the first jump.
    logText("probe: the kernel ran");
    report(callAddress(CODE + 2));
    endLine();
  }
}

function report(value: u64): void {
  logText(" ");
  logHex(value);
}

export function interrupt(vector: u32): void {
  checkFlags();
  lineOf(vector);
  ticks++;
  if (ticks <= TICKS_MAX) {
    logText("probe: interrupt in user code at ");
    logText(load<u64>(area, SAVE_RIP) - CODE < 4096 ? "its place" : "another place");
    endLine();
    armTimer(nowNs() + TICK_NS);
  }
}

/** Where the last forbidden instruction was started. */
let last: u64 = 0;
let badReturns: u32 = 0;

/**
 * Resumes the thread at the next forbidden instruction; behind the last instruction, at two
 * addresses to which no return is allowed.
 */
export function fault(vector: u32, errorCode: u32, address: u64): void {
  checkFlags();
  logText("probe: fault ");
  logNumber(vector);
  report(errorCode);
  report(address);
  endLine();

  // The address of the first fault is where the forbidden instructions begin.
  if (last === 0) last = load<u64>(area, SAVE_RIP) & ~(STEP - 1);
  last += STEP;
  store<u64>(area, STACK_TOP, SAVE_RSP);
  store<u64>(area, last, SAVE_RIP);
  if (last - CODE < archiveBytes()) return;
  badReturns++;
  if (badReturns === 3) {
    logLine("probe: done");
    powerOff(EXIT_CODE);
  }
  store<u64>(area, badReturns === 1 ? 0x8000_0000_0000 : 0xffff_ffff_8010_0000, SAVE_RIP);
  store<u32>(area, badReturns === 1 ? RESUME_SYSTEM_CALL : RESUME_ALL, SAVE_RESUME);
}

export function currentSaveArea(): u32 {
  return isRunning ? <u32>area : 0;
}
