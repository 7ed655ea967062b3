/**
 * Every variable of a module of the kernel, and every record of a module's own, by what keeps it
 * whole once several processors run the kernel. Files are paths in kernel/, without extension.
 */
type Variables = Readonly<Record<string, readonly string[]>>;

/** Each processor has its own: who runs there, and until when. */
const PER_PROCESSOR: Variables = {
  "schedule/scheduler": [
    "currentThread",
    "turnEnd",
    "isTurnSpent",
    "heir",
    "armedFor",
    "handOverFrom",
    "wantsEntry",
  ],
};

/** Set while one processor boots, before a domain runs, and then only read. */
const CONSTANT_AFTER_BOOT: Variables = {
  "domain/archive": ["programs"],
  "domain/slots": ["singles"],
  "memory/frames": ["total", "databaseReady"],
  "monitor/audit": ["records", "shareCount", "recordsPerShare"],
  "monitor/blob/in-force": ["current", "currentEpoch", "fields", "fieldMask", "directory"],
  "monitor/blob/key-ring": ["KEYS"],
  "monitor/blob/machine-ports": ["RANGES"],
  "monitor/crypto/ed25519": [
    "ORDER",
    "CURVE_D",
    "CURVE_2D",
    "ROOT_OF_MINUS_ONE",
    "BASE_X",
    "BASE_Y",
  ],
  "monitor/crypto/sha256": ["ROUND_CONSTANTS"],
  "monitor/crypto/sha512": ["ROUND_CONSTANTS"],
  "schedule/timers": ["countMax"],
  "x64/calibration": [
    "tscHz",
    "localHz",
    "clockSource",
    "refusedHz",
    "lowestHz",
    "highestHz",
    "rounds",
    "roundCount",
  ],
  "x64/cpu-features": [
    "hasSmep",
    "hasSmap",
    "hasUmip",
    "hasGlobalPages",
    "hasMachineCheck",
    "hasLocalApic",
    "hasPcid",
    "isMeltdownSafe",
    "usesPcid",
  ],
  "x64/memory-map": [
    "isTooLong",
    "ranges",
    "rangeCount",
    "reserved",
    "reservedCount",
    "archiveAddress",
    "archiveLength",
    "commandLineAddress",
    "usableBytes",
    "leftOutBytes",
  ],
  "x64/paging": ["kernelRoot", "usesPcid"],
  "x64/panic": ["restarts"],
  "x64/restart": ["failures"],
  "x64/serial-log": ["hasPort"],
  "x64/timer": ["usesLocalApic", "tscAtStart", "nsPerTick", "tscTicksPerNs", "ticksPerNs"],
};

/**
 * One for the machine, or scratch that holds nothing between two entries: read and written only by
 * the processor that is in the kernel. A processor takes the kernel's lock when it enters.
 */
const UNDER_KERNEL_LOCK: Variables = {
  "domain/archive": ["headerCopy", "entryCopy", "pageCopy", "digestContext"],
  "domain/elf": ["head", "noteHeaderCopy", "noteCopy"],
  "domain/non-maskable": ["logged", "loggedNs"],
  "domain/reclaim": ["cost"],
  "domain/supervisor": ["deaths", "deathCount", "restartPending"],
  "ipc/end": ["firstDying", "firstChanged", "lastChanged"],
  "ipc/trace": ["isActive", "isBacked", "slotA", "slotB", "next", "recorded"],
  "memory/frames": [
    "freeHead",
    "cursor",
    "cursorEnd",
    "cursorRange",
    "free",
    "reserved",
    "keptBack",
    "kernelFrames",
  ],
  "memory/object-pages": ["OBJECT_TABLES"],
  "memory/quota": ["isShortageReported"],
  "monitor/audit": ["shares", "nextSequence", "lostTotal", "readThrough"],
  "monitor/blob/devices": ["taken"],
  "monitor/blob/distinct": ["marks"],
  "monitor/blob/kernel": ["context", "digest", "numbers"],
  "monitor/blob/load": ["context", "digest"],
  "monitor/crypto/ed25519": ["table", "sum", "temporary", "context", "hash", "scalar", "result"],
  "monitor/crypto/field25519": ["scratch", "encoded"],
  "monitor/crypto/sha256": ["schedule"],
  "monitor/crypto/sha512": ["schedule"],
  "object/kernel-object": ["lastIdentity"],
  "schedule/scheduler": ["lastTurn", "hasDeferredWork", "isTraced"],
  "schedule/timers": ["count"],
  "service/memory": ["block"],
  "service/method-call": ["place", "responseWords", "text"],
  "x64/cpuid": ["leafRecord"],
  "x64/interrupts": ["masked"],
  "x64/paging": ["teardownRecord"],
  "x64/panic": ["isPanicking"],
  "x64/screen-log": ["column", "row", "started"],
  "x64/serial-log": ["patience"],
  "x64/symbol-table": ["detailsRecord"],
};

/** All of them as FILE/NAME. One that is in two lists is here twice. */
export const LISTED: readonly string[] = [
  PER_PROCESSOR,
  CONSTANT_AFTER_BOOT,
  UNDER_KERNEL_LOCK,
].flatMap((list) =>
  Object.entries(list).flatMap(([file, names]) => names.map((name) => `${file}/${name}`)),
);

/** Names of the variables and records in the text of a module. */
export function variablesIn(text: string): string[] {
  const declarations = /^(?:export )?(?:let (\w+)|const (\w+): usize = memory\.data)\b/gm;
  return [...text.matchAll(declarations)].map(([, variable, record]) => variable ?? record!);
}
