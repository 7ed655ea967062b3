import {
  bool,
  defineInterface,
  enumeration,
  text,
  u32,
  u64,
} from "../../toolchain/vocabulary/interface.ts";

export default defineInterface({
  name: "Supervisor",
  id: 0x102,
  version: 1,
  about: "Starts and ends the programs of the image, and records how they ended.",
  errors: [
    "NoSuchSlot",
    "AlreadyRunning",
    "NotRunning",
    "Denied",
    "NoMemory",
    "Failed",
    "NotItself",
    "NoEvent",
  ],
  methods: {
    start: {
      about:
        "Starts an instance, and from now on keeps one running as the slot's restart rule says.",
      takes: { slot: u32 },
      idempotent: true,
    },
    kill: {
      about:
        "Ends the running instance as a fault would: the slot's rule decides whether another is started.",
      takes: { slot: u32 },
      idempotent: true,
    },
    stop: {
      about: "Ends the running instance, if there is one, and starts none until `start`.",
      takes: { slot: u32 },
      idempotent: true,
    },
    status: {
      about: "How the slot's last instance ended, and when the next is due (0 if none is).",
      takes: { slot: u32 },
      returns: {
        wanted: bool,
        ended: enumeration("never", "exited", "faulted", "killed"),
        faultKind: u32,
        address: u64,
        instruction: u64,
        code: u32,
        restarts: u32,
        nextStartNs: u64,
      },
      idempotent: true,
    },
    nextEvent: {
      about:
        "The first event numbered `from` or later that is still kept; events are numbered from 1.",
      takes: { from: u64 },
      returns: {
        sequence: u64,
        timeNs: u64,
        slot: u32,
        what: enumeration(
          "started",
          "adopted",
          "exited",
          "faulted",
          "killed",
          "stopped",
          "refused",
        ),
        faultKind: u32,
        address: u64,
        instruction: u64,
        code: u32,
      },
      idempotent: true,
    },
    place: {
      about:
        "The source position of an address in a slot's code: `function (file.ts:line)`, as far as known. Only for people: it is not signed.",
      takes: { slot: u32, instruction: u64 },
      returns: { text: text(160) },
      idempotent: true,
    },
  },
});
