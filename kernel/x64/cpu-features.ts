// The processor's protection features: which ones it has, which are enabled, and the boot line that
// names them.

import { GUARD_SMAP, GUARD_SMEP } from "../base/guards";
import {
  LEAF_FEATURES,
  LEAF_MORE_FEATURES,
  LEAF_STANDARD,
  hasBit,
  hasLeaf,
  logModel,
  readLeaf,
} from "./cpuid";
import { processorLevel } from "./level";
import { endLine, logNumber, logText } from "./serial-log";
import { readMsr, writeCr4, writeMsr } from "./x64";
import { systemCallEntry } from "./assembly";

const CR4_DEBUGGING_EXTENSIONS: u64 = 1 << 3;
const CR4_PAE: u64 = 1 << 5;
const CR4_MACHINE_CHECK: u64 = 1 << 6;
const CR4_GLOBAL_PAGES: u64 = 1 << 7;
const CR4_UMIP: u64 = 1 << 11;
const CR4_PCID: u64 = 1 << 17;
const CR4_SMEP: u64 = 1 << 20;
const CR4_SMAP: u64 = 1 << 21;

const MSR_STAR: u32 = 0xc0000081;
const MSR_LSTAR: u32 = 0xc0000082;
const MSR_CSTAR: u32 = 0xc0000083;
const MSR_SFMASK: u32 = 0xc0000084;
const MSR_EFER: u32 = 0xc0000080;
const EFER_SYSCALL: u64 = 1;
/** Zero makes the instruction `sysenter`, which no program uses, a protection fault. */
const MSR_SYSENTER_SELECTOR: u32 = 0x174;
const MSR_GS_BASE: u32 = 0xc0000101;
const MSR_KERNEL_GS_BASE: u32 = 0xc0000102;
const MSR_ARCHITECTURE_CAPABILITIES: u32 = 0x10a;

// Selectors of cpu.inc.
const SELECTOR_KERNEL_CODE: u64 = 0x08;
const SELECTOR_USER_BASE: u64 = 0x1b;
/** Cleared on entry: TF, IF, DF, IOPL, NT, AC. */
const ENTRY_FLAGS_CLEARED: u64 = 0x47700;

/** Bits of edx of LEAF_FEATURES. */
const FEATURE_MACHINE_CHECK: u32 = 7;
const FEATURE_LOCAL_APIC: u32 = 9;
const FEATURE_GLOBAL_PAGES: u32 = 13;
/** Bit of ecx of LEAF_FEATURES. */
const FEATURE_PCID: u32 = 17;
/** Bits of ebx, ecx and edx of LEAF_MORE_FEATURES. */
const FEATURE_SMEP: u32 = 7;
const FEATURE_SMAP: u32 = 20;
const FEATURE_UMIP: u32 = 2;
const FEATURE_ARCHITECTURE_CAPABILITIES: u32 = 29;
/** RDCL_NO of MSR_ARCHITECTURE_CAPABILITIES: no reading ahead across the privilege boundary. */
const CAPABILITY_NO_MELTDOWN: u64 = 1;
/** ebx of leaf 0 for AuthenticAMD. */
const VENDOR_AMD: u32 = 0x68747541;

// What the processor has: found once, by initializeProcessor, and constant afterwards.
let hasSmep: bool = false;
let hasSmap: bool = false;
let hasUmip: bool = false;
let hasGlobalPages: bool = false;
let hasMachineCheck: bool = false;
let hasLocalApic: bool = false;
let hasPcid: bool = false;
let isMeltdownSafe: bool = false;

/** What enablePcid has done, for the boot line. */
let usesPcid: bool = false;

/** True if there is a local APIC. Valid after initializeProcessor. */
export function processorHasLocalApic(): bool {
  return hasLocalApic;
}

/**
 * Enables the protection features, and disables instructions by which user code could observe or
 * disturb other domains: afterwards CR4 has exactly the bits named here, so FSGSBASE, PCE, OSFXSR
 * and PKE are off whatever the firmware left. CR0.WP and EFER.NXE are on since boot, which refuses
 * a processor without them.
 */
export function initializeProcessor(): void {
  detect();
  writeCr4(enabledFeatures());

  writeMsr(MSR_STAR, (SELECTOR_USER_BASE << 48) | (SELECTOR_KERNEL_CODE << 32));
  writeMsr(MSR_LSTAR, systemCallEntry());
  writeMsr(MSR_CSTAR, 0);
  writeMsr(MSR_SYSENTER_SELECTOR, 0);
  writeMsr(MSR_SFMASK, ENTRY_FLAGS_CLEARED);
  writeMsr(MSR_EFER, readMsr(MSR_EFER) | EFER_SYSCALL);
  // The kernel uses no gs. Cleared, so that no program sees what firmware left.
  writeMsr(MSR_GS_BASE, 0);
  writeMsr(MSR_KERNEL_GS_BASE, 0);
}

/** CR4 without PCIDE. */
function enabledFeatures(): u64 {
  let cr4: u64 = CR4_PAE | CR4_DEBUGGING_EXTENSIONS;
  if (hasMachineCheck) cr4 |= CR4_MACHINE_CHECK;
  if (hasGlobalPages) cr4 |= CR4_GLOBAL_PAGES;
  if (hasUmip) cr4 |= CR4_UMIP;
  if (hasSmep && GUARD_SMEP) cr4 |= CR4_SMEP;
  if (hasSmap && GUARD_SMAP) cr4 |= CR4_SMAP;
  return cr4;
}

/**
 * Makes address spaces have PCIDs; false, with nothing changed, if the processor has none or no
 * global pages: then it would keep a page of the kernel's window once for each PCID, and `invlpg`
 * would remove one of these. The tables that boot made are in force: PCIDE can only be set while
 * CR3 has no PCID.
 */
export function enablePcid(): bool {
  const features = readLeaf(LEAF_FEATURES);
  if (!hasBit(features.ecx, FEATURE_PCID) || !hasBit(features.edx, FEATURE_GLOBAL_PAGES))
    return false;
  writeCr4(enabledFeatures() | CR4_GLOBAL_PAGES | CR4_PCID);
  usesPcid = true;
  return true;
}

function detect(): void {
  const isAmd = readLeaf(LEAF_STANDARD).ebx === VENDOR_AMD;
  const features = readLeaf(LEAF_FEATURES).edx;
  hasMachineCheck = hasBit(features, FEATURE_MACHINE_CHECK);
  hasGlobalPages = hasBit(features, FEATURE_GLOBAL_PAGES);
  hasLocalApic = hasBit(features, FEATURE_LOCAL_APIC);
  hasPcid = hasBit(readLeaf(LEAF_FEATURES).ecx, FEATURE_PCID);
  if (!hasLeaf(LEAF_MORE_FEATURES)) return;
  const more = readLeaf(LEAF_MORE_FEATURES);
  hasSmep = hasBit(more.ebx, FEATURE_SMEP);
  hasSmap = hasBit(more.ebx, FEATURE_SMAP);
  hasUmip = hasBit(more.ecx, FEATURE_UMIP);
  isMeltdownSafe =
    isAmd ||
    (hasBit(more.edx, FEATURE_ARCHITECTURE_CAPABILITIES) &&
      (readMsr(MSR_ARCHITECTURE_CAPABILITIES) & CAPABILITY_NO_MELTDOWN) !== 0);
}

/**
 * Prints the processor's level and which protection features are on and which are missing, e.g.
 * `trine: cpu x86-64-v3, nx wp smep smap umip`; and a line with its model, if it tells one.
 */
export function logProcessor(): void {
  logText("trine: cpu x86-64-v");
  logNumber(<u64>processorLevel());
  logText(", nx wp");
  if (hasSmep && GUARD_SMEP) logText(" smep");
  if (hasSmap && GUARD_SMAP) logText(" smap");
  if (hasUmip) logText(" umip");
  if (usesPcid) logText(" pcid");
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
  if (hasPcid && !usesPcid) logText("; pcid not used");
  if (!isMeltdownSafe) logText("; no page-table split, and the processor may need one");
  endLine();
  logModel();
}
