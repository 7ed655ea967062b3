import { bool, defineInterface, u32, u64 } from "../../../toolchain/vocabulary/interface.ts";

/**
 * A domain's own handle: what it may ask of the kernel for itself. `handle` fields of type u32 are
 * numbers in the caller's own table.
 */
export default defineInterface({
  name: "Domain",
  id: 1,
  version: 1,
  methods: {
    info: {
      returns: {
        slot: u32,
        classId: u32,
        pagesUsed: u32,
        pagesQuota: u32,
        handlesUsed: u32,
        handlesQuota: u32,
        instance: u32,
      },
      reads: ["own"],
    },
    exit: {
      about: "Ends the domain. Does not return.",
      takes: { code: u32 },
      writes: ["Slots", "System"],
    },
    createMemory: {
      about: "Makes a memory object of zero-filled pages, charged to the caller.",
      takes: { bytes: u64 },
      returns: { handle: u32 },
      reads: ["own"],
      writes: ["Slots", "System"],
    },
    createInbox: { returns: { handle: u32 }, reads: ["own"], writes: ["Slots"] },
    createEndpoint: {
      about: "Makes an endpoint for messages of one interface, received by `inbox`.",
      takes: { inbox: u32, interfaceId: u32 },
      returns: { handle: u32 },
      reads: ["own"],
      writes: ["Slots"],
    },
    createNotice: {
      about: "Makes a notice that can set these bits at `inbox`, and no others.",
      takes: { inbox: u32, bits: u64 },
      returns: { handle: u32 },
      reads: ["own"],
      writes: ["Slots"],
    },
    createThread: {
      about: "Starts a thread at the executable's thread entry.",
      takes: { argument: u64, priority: u32 },
      returns: { handle: u32 },
      reads: ["own"],
      writes: ["Slots", "System"],
    },
    mint: {
      about:
        "Makes a further handle to the same object with a subset of the rights; a badge other than 0 is the endpoint's owner's to give, and needs the right to mint.",
      takes: { handle: u32, rights: u32, badge: u64 },
      returns: { handle: u32 },
      reads: ["own"],
      writes: ["Slots"],
    },
    drop: {
      about:
        "What was derived from the handle, or mapped by it, stays, as if it came from the handle that this one was derived from. Answers Again until done.",
      takes: { handle: u32 },
      writes: ["Slots"],
    },
    revoke: {
      about:
        "Removes every handle derived from this one, in every domain, and ends what was mapped by them; what was mapped by this one stays. Answers Again until done.",
      takes: { handle: u32 },
      writes: ["Slots", "handles"],
    },
    map: {
      about:
        "Maps a part of a memory object at an address that the kernel chooses. The mapping outlives the handle if that is dropped, and ends with it if it is revoked.",
      takes: { memory: u32, offset: u64, bytes: u64, writable: bool },
      returns: { address: u32 },
      reads: ["own"],
      writes: ["Slots", "System"],
    },
    unmap: { takes: { address: u32 }, writes: ["Slots", "System"] },
    grow: {
      about: "Grows linear memory by pages of 64 KiB; answers the size before.",
      takes: { pages: u32 },
      returns: { previousPages: u32 },
      reads: ["own"],
      writes: ["Slots", "System"],
    },
    describe: {
      about: "What a handle names.",
      takes: { handle: u32 },
      returns: { type: u32, rights: u32, interfaceId: u32, slot: u32 },
      reads: ["own"],
    },
  },
});
