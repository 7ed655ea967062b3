import { defineInterface, enumeration, u32, u64 } from "../../toolchain/idl/define.ts";

export default defineInterface({
  name: "AttackPlan",
  id: 0x104,
  version: 1,
  about: "Tells the attacker which forbidden thing to try next, and takes down what came of it if it lived.",
  methods: {
    next: {
      returns: {
        attempt: enumeration(
          "deniedCall", "deniedKernelCall", "shutdownMachine", "forgedHandle", "staleHandle", "wrongType", "wrongInterface", "forgedToken", "foreignInbox",
          "badHeader", "badLengths", "smuggleHandle", "recordOutside", "arenaOutside", "answerOutside", "widenRights",
          "loadNull", "storeNull", "loadKernel", "storeKernel", "loadFarthest", "callOutsideTable", "callOtherSignature", "portRead", "portWrite",
          "divideByZero", "exhaustStack", "exhaustMemory", "touchBeyondQuota", "exhaustHandles", "exhaustObjects", "exhaustThreads",
          // From here on in machine code: services/intruder.
          "executeStack", "executeMemory", "executeConstants", "writeCode", "writeConstants",
          "readKernelImage", "writeKernelImage", "runKernelImage", "readKernelMemory", "writeKernelMemory", "runKernelMemory",
          "readPhysicalMemory", "writePhysicalMemory", "runPhysicalMemory", "readNowhere", "runNowhere", "pushOnKernelStack", "faultWithoutStack",
          "farReturnToKernel", "farReturnToLegacy", "interruptReturnToKernel", "loadKernelSegment", "systemReturn", "systemEnter",
          "interruptSystemCall", "interruptPageFault", "interruptTimer", "interruptDouble", "debugTrap",
          "halt", "disableInterrupts", "enableInterrupts", "readPageTables", "writePageTables", "liftWriteProtection", "liftFences", "setBreakpoint",
          "readModelRegister", "writeModelRegister", "loadSegmentTable", "loadInterruptTable", "findSegmentTable", "invalidatePage", "dropCaches",
          "swapBase", "writeThreadBase", "useVectors", "readPort", "writePort", "writePortWide", "writePortString", "raiseIoPrivilege", "stepItself",
          "unknownOperations", "garbageCalls", "wildRecords", "wildStacks", "wildFlags", "stepIntoKernel",
          "useCoprocessor", "useProtectionKeys", "breakpoint", "readCounters", "waitForWrite", "switchPageTables", "markSegments", "readLeftovers", "readUnbackedMemory", "readBeyondMemory", "finish",
        ),
      },
    },
    report: {
      about: "`result` is the Status that was answered, `value` what was gained, or a count, where there is one.",
      takes: { attempt: u32, outcome: enumeration("refused", "succeeded"), result: u32, value: u64 },
    },
  },
});
