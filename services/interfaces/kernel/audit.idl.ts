import { defineInterface, text, u32, u64 } from "../../../toolchain/vocabulary/interface.ts";

/** The audit log: denials and faults. Records are numbered from 0 since boot. */
export default defineInterface({
  name: "Audit",
  id: 10,
  version: 3,
  methods: {
    info: { returns: { next: u64, oldest: u64, lost: u64 }, reads: ["Audit"] },
    read: {
      about:
        "One record; NotFound beyond the newest, the oldest kept where it is older. Kinds: 0 denied request, 1 denied response, 2 denied error, 3 denied execute, 4 fault, 5 denied kernel method, 6 malformed message, 7 granted by a rule that asks for a record. `line` 0: no rule allows it. Of a fault, `method` is the FaultKind, `detail` the address, `targetClass` and `interfaceId` are the low and the high half of the instruction's address. Of a message that a rule refused, `detail` is the value that it read and `field` where: number of the word from 1 on, shift << 8; 0 where no rule read anything. `mask` was laid over the value; 0: none was. Of a malformed message, `detail` is what was given and `field` is the StructureFault, which word or handle it is about << 8, and 0, 1 or 2 for request, response or error << 16.",
      takes: { sequence: u64 },
      returns: {
        sequence: u64,
        timeNs: u64,
        kind: u32,
        subjectSlot: u32,
        targetSlot: u32,
        subjectClass: u32,
        targetClass: u32,
        interfaceId: u32,
        method: u32,
        rule: u32,
        line: u32,
        repeats: u32,
        detail: u64,
        field: u32,
        mask: u64,
      },
      reads: ["Audit"],
      writes: ["Audit"],
    },
    ruleText: {
      about: "Where a rule stands: file and line, then the rule's text.",
      takes: { rule: u32 },
      returns: { text: text(256) },
      reads: ["own"],
    },
  },
});
