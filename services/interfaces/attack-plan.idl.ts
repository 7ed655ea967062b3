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
          "deniedCall", "deniedKernelCall", "forgedHandle", "staleHandle", "wrongType", "forgedToken", "foreignInbox", "wrongInterface", "badHeader", "badLengths",
          "recordOutside", "recordKernel", "arenaOutside", "widenRights", "stealHandles",
          "loadNull", "storeNull", "loadKernel", "loadBeyond", "storeBeyond", "tableBound", "tableSignature", "portRead", "portWrite",
          "divideByZero", "stackExhausted", "memoryExhausted", "handlesExhausted", "objectsExhausted", "threadsExhausted", "restartTwin", "shutdownMachine", "finish",
        ),
      },
    },
    report: {
      about: "`result` is the Status that was answered, `value` what was gained, or a count, where there is one.",
      takes: { attempt: u32, outcome: enumeration("refused", "succeeded"), result: u32, value: u64 },
    },
  },
});
