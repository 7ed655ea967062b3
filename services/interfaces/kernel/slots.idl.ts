import {
  bool,
  bytes,
  defineInterface,
  enumeration,
  text,
  u32,
  u64,
} from "../../../toolchain/vocabulary/interface.ts";

/**
 * The slots that the signed image describes. The supervisor decides when a slot starts; its handles
 * and quota come from the image.
 */
export default defineInterface({
  name: "Slots",
  id: 12,
  version: 3,
  methods: {
    count: { returns: { count: u32 }, reads: ["own"] },
    name: { takes: { slot: u32 }, returns: { text: text(32) }, reads: ["own"] },
    describe: {
      about:
        "`ended` and `endCode` describe the last instance, once it has begun to end: the code that it exited with, or the kind of its fault.",
      takes: { slot: u32 },
      returns: {
        state: enumeration("empty", "running", "faulted", "stopping"),
        classId: u32,
        pagesUsed: u32,
        pagesQuota: u32,
        handlesUsed: u32,
        threads: u32,
        starts: u32,
        verified: bool,
        restart: enumeration("never", "onFault", "always"),
        priority: u32,
        consumedNs: u64,
        autostart: bool,
        ended: enumeration("never", "exited", "faulted", "stopped"),
        endCode: u32,
      },
      reads: ["Slots"],
    },
    start: {
      about: "Starts an instance; Busy if one runs, Denied without an execute grant.",
      takes: { slot: u32 },
      reads: ["Slots"],
      writes: ["Slots", "System", "domains"],
    },
    stop: {
      about: "Ends the running instance and frees all that it holds; Again until done.",
      takes: { slot: u32 },
      reads: ["Slots"],
      writes: ["Slots", "System", "domains"],
    },
    handleAt: {
      about: "The n-th used handle of a slot's table from `index` on; NotFound after the last.",
      takes: { slot: u32, index: u32 },
      returns: {
        index: u32,
        type: u32,
        rights: u32,
        targetSlot: u32,
        interfaceId: u32,
        badge: u64,
        parent: u32,
      },
      reads: ["Slots"],
    },
    find: { takes: { name: text(32) }, returns: { slot: u32 }, reads: ["own"] },
    symbols: {
      about:
        "Bytes from `offset` on of the table that names the slot's code (toolchain/elf/symbol-table.md); NotFound beyond its end. The table is not signed.",
      takes: { slot: u32, offset: u32 },
      returns: { data: bytes(512) },
      reads: ["own"],
    },
    stackWord: {
      about:
        "Eight bytes of the native stack of the slot's thread that has faulted, `offset` bytes above where it stopped; NotFound if none waits for its fault handler, or beyond the domain's region.",
      takes: { slot: u32, offset: u32 },
      returns: { word: u64 },
      reads: ["Slots"],
    },
    nextChanged: {
      about:
        "Takes the next slot out of the list of those whose instance has begun to end or is gone, each once however often; NotFound if the list is empty.",
      returns: { slot: u32 },
      reads: ["Slots"],
      writes: ["Slots"],
    },
  },
});
