/**
 * Machine instructions and system calls that wasm has no word for. In AssemblyScript they are
 * ambient functions of the files `kernel/x64/x64.ts`, `kernel/x64/message-words.ts`,
 * `drivers/support/mmio.ts`, `services/runtime/trine.ts`: asc makes of them imports of module
 * `x64`, `message-words`, `mmio`, `trine` (a file's base name is its import module), which the
 * front end turns into Intrinsic instructions. Physical addresses are u64. `linear` is an address
 * in the program's own linear memory.
 */
export enum Intrinsic {
  // x64: ports. Kernel, and drivers where granted.
  In8,
  In16,
  In32,
  Out8,
  Out16,
  Out32,
  // x64: kernel only.
  ReadMsr,
  WriteMsr,
  ReadCr0,
  WriteCr0,
  ReadCr2,
  ReadCr3,
  ReadCr4,
  WriteCr4,
  InvalidatePage,
  Halt,
  DisableInterrupts,
  EnableInterrupts,
  /** cpuid leaf, subleaf, linear address of 16 bytes for eax, ebx, ecx, edx. */
  Cpuid,
  ReadTsc,
  // Physical memory through the direct map.
  PhysicalLoad8,
  PhysicalLoad16,
  PhysicalLoad32,
  PhysicalLoad64,
  PhysicalStore8,
  PhysicalStore16,
  PhysicalStore32,
  PhysicalStore64,
  /** to, from, bytes: both physical. */
  PhysicalCopy,
  /** to, byte value, bytes. */
  PhysicalFill,
  /** physical to, linear from, bytes. */
  CopyToPhysical,
  /** linear to, physical from, bytes. */
  CopyFromPhysical,
  Pause,
  LoadFence,
  Rdrand,
  // message-words: the kernel's entry points only.
  /** Becomes Opcode.MessageWord: the number of the word, a constant. */
  MessageWord,
  /** Number of the word, a constant; the word with which the kernel is left. */
  SetMessageWord,

  // mmio: not merged, not moved, not removed. Linear addresses of mapped device registers.
  MmioLoad8,
  MmioLoad16,
  MmioLoad32,
  MmioLoad64,
  MmioStore8,
  MmioStore16,
  MmioStore32,
  MmioStore64,

  // trine: system calls, lowered with the loads and stores of the message record around them.
  Call,
  Recv,
  Reply,
  /**
   * A call and a reply whose words are operands, and whose results are results: no record is
   * touched. Beside the status they have all of SystemCallResult (kernel/abi/system-call.ts).
   */
  CallShort,
  ReplyShort,
  /**
   * A result of the short system call before it, by its number: no instruction of its own. The
   * construction of the function puts the result in its place.
   */
  Result,
}

/** Results beside the status: SystemCallResult of kernel/abi/system-call.ts. */
export const SYSTEM_CALL_RESULTS = 8;

export const hasSystemCallResults = (intrinsic: Intrinsic): boolean =>
  intrinsic === Intrinsic.CallShort || intrinsic === Intrinsic.ReplyShort;

/** Import name → intrinsic, with wasm signature "parameters:results" (i = i32, l = i64). */
export const INTRINSICS: Readonly<Record<string, readonly [Intrinsic, string]>> = {
  "x64.in8": [Intrinsic.In8, "i:i"],
  "x64.in16": [Intrinsic.In16, "i:i"],
  "x64.in32": [Intrinsic.In32, "i:i"],
  "x64.out8": [Intrinsic.Out8, "ii:"],
  "x64.out16": [Intrinsic.Out16, "ii:"],
  "x64.out32": [Intrinsic.Out32, "ii:"],
  "x64.readMsr": [Intrinsic.ReadMsr, "i:l"],
  "x64.writeMsr": [Intrinsic.WriteMsr, "il:"],
  "x64.readCr0": [Intrinsic.ReadCr0, ":l"],
  "x64.writeCr0": [Intrinsic.WriteCr0, "l:"],
  "x64.readCr2": [Intrinsic.ReadCr2, ":l"],
  "x64.readCr3": [Intrinsic.ReadCr3, ":l"],
  "x64.readCr4": [Intrinsic.ReadCr4, ":l"],
  "x64.writeCr4": [Intrinsic.WriteCr4, "l:"],
  "x64.invalidatePage": [Intrinsic.InvalidatePage, "l:"],
  "x64.halt": [Intrinsic.Halt, ":"],
  "x64.disableInterrupts": [Intrinsic.DisableInterrupts, ":"],
  "x64.enableInterrupts": [Intrinsic.EnableInterrupts, ":"],
  "x64.cpuid": [Intrinsic.Cpuid, "iii:"],
  "x64.readTsc": [Intrinsic.ReadTsc, ":l"],
  "x64.physicalLoad8": [Intrinsic.PhysicalLoad8, "l:i"],
  "x64.physicalLoad16": [Intrinsic.PhysicalLoad16, "l:i"],
  "x64.physicalLoad32": [Intrinsic.PhysicalLoad32, "l:i"],
  "x64.physicalLoad64": [Intrinsic.PhysicalLoad64, "l:l"],
  "x64.physicalStore8": [Intrinsic.PhysicalStore8, "li:"],
  "x64.physicalStore16": [Intrinsic.PhysicalStore16, "li:"],
  "x64.physicalStore32": [Intrinsic.PhysicalStore32, "li:"],
  "x64.physicalStore64": [Intrinsic.PhysicalStore64, "ll:"],
  "x64.physicalCopy": [Intrinsic.PhysicalCopy, "lli:"],
  "x64.physicalFill": [Intrinsic.PhysicalFill, "lii:"],
  "x64.copyToPhysical": [Intrinsic.CopyToPhysical, "lii:"],
  "x64.copyFromPhysical": [Intrinsic.CopyFromPhysical, "ili:"],
  "x64.pause": [Intrinsic.Pause, ":"],
  "x64.loadFence": [Intrinsic.LoadFence, ":"],
  "x64.rdrand": [Intrinsic.Rdrand, ":l"],
  "message-words.messageWord": [Intrinsic.MessageWord, "i:l"],
  "message-words.setMessageWord": [Intrinsic.SetMessageWord, "il:"],
  "mmio.load8": [Intrinsic.MmioLoad8, "i:i"],
  "mmio.load16": [Intrinsic.MmioLoad16, "i:i"],
  "mmio.load32": [Intrinsic.MmioLoad32, "i:i"],
  "mmio.load64": [Intrinsic.MmioLoad64, "i:l"],
  "mmio.store8": [Intrinsic.MmioStore8, "ii:"],
  "mmio.store16": [Intrinsic.MmioStore16, "ii:"],
  "mmio.store32": [Intrinsic.MmioStore32, "ii:"],
  "mmio.store64": [Intrinsic.MmioStore64, "il:"],
  // call(handle, header, record, timeout), recv(inbox, flags, record, timeout), reply(token,
  // header, record, inbox, timeout): status
  "trine.call": [Intrinsic.Call, "iiil:i"],
  "trine.recv": [Intrinsic.Recv, "iiil:i"],
  "trine.reply": [Intrinsic.Reply, "liiil:i"],
  // callShort(handle, header, timeout, word 0 … word 3), replyShort(token, header, record, inbox,
  // timeout, word 0 … word 3): status
  "trine.callShort": [Intrinsic.CallShort, "iilllll:l"],
  "trine.replyShort": [Intrinsic.ReplyShort, "liiilllll:l"],
  "trine.result": [Intrinsic.Result, "i:l"],
};
