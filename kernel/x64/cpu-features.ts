// What the processor offers for protection, what of it is switched on, and the boot line that says
// so.

import { GUARD_SMAP, GUARD_SMEP } from "../base/guards";
import { processorLevel } from "./level";
import { endLine, logNumber, logText } from "./serial-log";
import { cpuid, readMsr, writeCr4, writeMsr } from "./x64";
import { systemCallEntry } from "./assembly";

const CR4_DEBUGGING_EXTENSIONS: u64 = 1 << 3;
const CR4_PAE: u64 = 1 << 5;
const CR4_MACHINE_CHECK: u64 = 1 << 6;
const CR4_GLOBAL_PAGES: u64 = 1 << 7;
const CR4_UMIP: u64 = 1 << 11;
const CR4_SMEP: u64 = 1 << 20;
const CR4_SMAP: u64 = 1 << 21;

const MSR_STAR: u32 = 0xc0000081;
const MSR_LSTAR: u32 = 0xc0000082;
const MSR_CSTAR: u32 = 0xc0000083;
const MSR_SFMASK: u32 = 0xc0000084;
const MSR_EFER: u32 = 0xc0000080;
const EFER_SYSCALL: u64 = 1;
/** Zero makes the instruction `sysenter`, which nobody uses here, a protection fault. */
const MSR_SYSENTER_SELECTOR: u32 = 0x174;
const MSR_GS_BASE: u32 = 0xc0000101;
const MSR_KERNEL_GS_BASE: u32 = 0xc0000102;
const MSR_ARCHITECTURE_CAPABILITIES: u32 = 0x10a;

// Selectors of cpu.inc.
const SELECTOR_KERNEL_CODE: u64 = 0x08;
const SELECTOR_USER_BASE: u64 = 0x1b;
/** Cleared on entry: TF, IF, DF, IOPL, NT, AC. */
const ENTRY_FLAGS_CLEARED: u64 = 0x47700;

/** eax, ebx, ecx, edx. */
const result = memory.data(16);

/** Features of the boot line, and whether they are on. */
let hasSmep: bool = false;
let hasSmap: bool = false;
let hasUmip: bool = false;
let hasGlobalPages: bool = false;
let hasLocalApic: bool = false;
let isAmd: bool = false;
let meltdownSafe: bool = false;

/** Whether there is a local APIC. Valid after initializeProcessor. */
export function processorHasLocalApic(): bool {
  return hasLocalApic;
}

/**
 * Switches on what protects and switches off what user code could use against others: afterwards
 * CR4 has exactly the bits named here, so FSGSBASE, PCE, OSFXSR and PKE are off whatever the
 * firmware left. CR0.WP and EFER.NXE are on since boot, which refuses a processor without.
 */
export function initializeProcessor(): void {
  detect();
  let cr4: u64 = CR4_PAE | CR4_DEBUGGING_EXTENSIONS;
  if (featureLeaf1(7)) cr4 |= CR4_MACHINE_CHECK;
  if (hasGlobalPages) cr4 |= CR4_GLOBAL_PAGES;
  if (hasUmip) cr4 |= CR4_UMIP;
  if (hasSmep && GUARD_SMEP) cr4 |= CR4_SMEP;
  if (hasSmap && GUARD_SMAP) cr4 |= CR4_SMAP;
  writeCr4(cr4);

  writeMsr(MSR_STAR, (SELECTOR_USER_BASE << 48) | (SELECTOR_KERNEL_CODE << 32));
  writeMsr(MSR_LSTAR, systemCallEntry());
  writeMsr(MSR_CSTAR, 0);
  writeMsr(MSR_SYSENTER_SELECTOR, 0);
  writeMsr(MSR_SFMASK, ENTRY_FLAGS_CLEARED);
  writeMsr(MSR_EFER, readMsr(MSR_EFER) | EFER_SYSCALL);
  // The kernel uses no gs; what firmware left there is nobody's business.
  writeMsr(MSR_GS_BASE, 0);
  writeMsr(MSR_KERNEL_GS_BASE, 0);
}

function detect(): void {
  cpuid(0, 0, result);
  const leaves = load<u32>(result);
  // "Auth" of AuthenticAMD.
  isAmd = load<u32>(result, 4) === 0x68747541;
  hasGlobalPages = featureLeaf1(13);
  hasLocalApic = featureLeaf1(9);
  if (leaves < 7) return;
  cpuid(7, 0, result);
  const ebx = load<u32>(result, 4);
  const ecx = load<u32>(result, 8);
  const edx = load<u32>(result, 12);
  hasSmep = (ebx & (1 << 7)) !== 0;
  hasSmap = (ebx & (1 << 20)) !== 0;
  hasUmip = (ecx & (1 << 2)) !== 0;
  // RDCL_NO: the processor does not read ahead across the privilege boundary.
  const hasCapabilities = (edx & (1 << 29)) !== 0;
  meltdownSafe = isAmd || (hasCapabilities && (readMsr(MSR_ARCHITECTURE_CAPABILITIES) & 1) !== 0);
}

/** A bit of edx of leaf 1. */
function featureLeaf1(bit: u32): bool {
  cpuid(1, 0, result);
  return ((load<u32>(result, 12) >> bit) & 1) !== 0;
}

/**
 * Prints the processor's level, which fences stand and which are missing, e.g.
 * `trine: cpu x86-64-v3, nx wp smep smap umip`.
 */
export function logProcessor(): void {
  logText("trine: cpu x86-64-v");
  logNumber(<u64>processorLevel());
  logText(", nx wp");
  if (hasSmep && GUARD_SMEP) logText(" smep");
  if (hasSmap && GUARD_SMAP) logText(" smap");
  if (hasUmip) logText(" umip");
  if (!(hasSmep && hasSmap && hasUmip)) {
    logText("; missing:");
    if (!hasSmep) logText(" smep");
    if (!hasSmap) logText(" smap");
    if (!hasUmip) logText(" umip");
  }
  if (!GUARD_SMEP || !GUARD_SMAP) {
    logText("; switched off by the build:");
    if (!GUARD_SMEP) logText(" smep");
    if (!GUARD_SMAP) logText(" smap");
  }
  if (!meltdownSafe) logText("; no page-table split, and the processor may need one");
  endLine();
}
