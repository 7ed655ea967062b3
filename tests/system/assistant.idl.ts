import { bytes, defineInterface, handle, u32, u64 } from "../../toolchain/vocabulary/interface.ts";

/**
 * A server that misbehaves on request, so that the tester can watch what the kernel does about it.
 */
export default defineInterface({
  name: "Assistant",
  id: 0x7f0,
  version: 1,
  errors: ["First", "Second"],
  methods: {
    none: { about: "Answers nothing with nothing." },
    add: { takes: { a: u64, b: u64 }, returns: { sum: u64 } },
    four: {
      about: "Answers its words in reverse order.",
      takes: { a: u64, b: u64, c: u64, d: u64 },
      returns: { d: u64, c: u64, b: u64, a: u64 },
    },
    whoCalls: { returns: { badge: u64, classId: u32, slot: u32 } },
    sumArena: {
      about: "The sum of the bytes sent.",
      takes: { data: bytes(65536) },
      returns: { sum: u64 },
    },
    fillArena: {
      about: "Answers `length` bytes, byte n being n mod 251.",
      takes: { length: u32 },
      returns: { data: bytes(65536) },
    },
    fail: { about: "Answers error `number`.", takes: { number: u32 } },
    hold: { about: "Is not answered until `release`, which answers it with `value`." },
    release: { takes: { value: u64 }, returns: { outcome: u32 } },
    answerTwice: {
      about: "Answers, then once more: `lastStatus` tells what the second reply returned.",
    },
    forge: {
      about:
        "Replies to `token`, which is not the assistant's to answer; tells what reply returned.",
      takes: { token: u64 },
      returns: { outcome: u32 },
    },
    lastStatus: { returns: { outcome: u32 } },
    crash: {
      about:
        "Faults: 0 unreachable, 1 null, 2 out of bounds, 3 division by zero, 4 endless recursion, 5 linear memory beyond the maximum, 6 a quotient without room, 7 an indirect call of another signature, 8 outside the table, 9 of a null function, 10 a fill out of bounds, from 11 on copies and fills around a mapped page.",
      takes: { how: u32 },
    },
    exit: { takes: { code: u32 } },
    spin: {
      about: "Computes for so many rounds before it answers.",
      takes: { rounds: u32 },
      returns: { checksum: u64 },
    },
    take: {
      about: "Takes a handle and keeps it; answers its number in the assistant's table.",
      takes: { object: handle("Notice") },
      returns: { number: u32 },
    },
    use: {
      about: "Signals the notice taken by `take`.",
      takes: { number: u32, bits: u64 },
      returns: { outcome: u32 },
    },
    takeEndpoint: { takes: { object: handle("Assistant") }, returns: { number: u32 } },
    callTaken: {
      about: "Calls method `none` on the endpoint taken.",
      takes: { number: u32 },
      returns: { outcome: u32 },
    },
    give: {
      about: "Answers with a handle to a fresh notice that signals the assistant.",
      returns: { object: handle("Notice") },
    },
    noticed: { about: "Bits that have arrived at the assistant so far.", returns: { bits: u64 } },
    forwardTo: {
      about: "Passes the caller on to the endpoint taken as `number`.",
      takes: { number: u32 },
    },
    forbidden: { about: "No rule allows a call of this method." },
    forbiddenAnswer: { about: "May be called; no rule lets the answer pass." },
    limited: {
      about: "The policy lets `value` be at most 100.",
      takes: { value: u64 },
      returns: { value: u64 },
    },
    wide: {
      about: "64 words there, their sum back.",
      takes: Object.fromEntries(Array.from({ length: 64 }, (_, n) => [`w${n}`, u64])),
      returns: { sum: u64 },
    },
    wrongShape: { about: "The answer has a word more than declared.", returns: { value: u64 } },
    touch: { about: "Touches so many pages of fresh memory of its own.", takes: { pages: u32 } },
    hoard: {
      about: "Makes notices until refused; tells how many, and the status.",
      returns: { made: u32, outcome: u32 },
    },
    counter: {
      about: "Calls served by this instance: its session state.",
      returns: { calls: u64 },
    },
  },
});
