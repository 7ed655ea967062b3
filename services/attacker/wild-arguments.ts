// System calls with headers, lengths and addresses that no stub sends.

import { ECHO_INTERFACE } from "../../build/generated/interfaces/Echo";
import { SYSTEM_INTERFACE } from "../../build/generated/interfaces/System";
import { echo, system } from "../../build/generated/programs/attacker";
import {
  RECORD_ARENA_BYTES,
  RECORD_BYTES,
  RECORD_HANDLE_COUNT,
  RECORD_RECEIVE_HANDLES,
  RECORD_WORD_COUNT,
} from "../../kernel/abi/message-record";
import { RIGHT_CALL } from "../../kernel/abi/object";
import {
  HEADER_FLAG_LONG,
  HEADER_INTERFACE_SHIFT,
  HEADER_METHOD_SHIFT,
} from "../../kernel/abi/system-call";
import { MessageRecord } from "../runtime/message-record";
import { call } from "../runtime/trine";
import { gain, refused } from "./outcome";

const RECORD: usize = memory.data(RECORD_BYTES, 8);
const record: MessageRecord = changetype<MessageRecord>(RECORD);
const NOTHING: u32 = ECHO_INTERFACE << HEADER_INTERFACE_SHIFT;
/** Bytes left at the end of memory: room for the first words of a record only. */
const HEAD_OF_RECORD_BYTES: u32 = 128;
/** System.bootLine, which the policy allows: its answer is a text. */
const BOOT_LINE: u32 = (SYSTEM_INTERFACE << HEADER_INTERFACE_SHIFT) | (3 << HEADER_METHOD_SHIFT);
const NO_LONGER_THAN_NS: u64 = 1_000_000;

/** Reserved bits, words that the method does not take, unknown methods and flags. */
export function badHeader(): bool {
  for (let bit = 0; bit < 16; bit++) {
    // This flag alone is well-formed.
    if (1 << bit === HEADER_FLAG_LONG) continue;
    gain(1);
    if (!refused(call(echo.handle, NOTHING | (1 << bit), RECORD, NO_LONGER_THAN_NS))) return false;
  }
  return true;
}

export function badLengths(): bool {
  for (let shift: u32 = 0; shift < 32; shift++) {
    const wild: u32 = <u32>0xffff_ffff >> shift;
    if (wild > 64 && !isRefusedWith(RECORD_WORD_COUNT, wild)) return false;
    if (wild > 4 && !isRefusedWith(RECORD_HANDLE_COUNT, wild)) return false;
    if (wild > 65536 && !isRefusedWith(RECORD_ARENA_BYTES, wild)) return false;
    if (wild > 4 && !isRefusedWith(RECORD_RECEIVE_HANDLES, wild)) return false;
  }
  return true;
}

/** Sends a handle with a method that takes none. */
export function smuggleHandle(): bool {
  record.clear();
  record.handleCount = 1;
  record.setHandle(0, echo.handle, RIGHT_CALL);
  return isRefused();
}

/** A record that begins inside its memory and ends outside. */
export function recordOutside(): bool {
  const outside = <usize>((<u32>memory.size()) << 16) - HEAD_OF_RECORD_BYTES;
  MessageRecord.at(outside).wordCount = 64;
  return refused(call(echo.handle, NOTHING | HEADER_FLAG_LONG, outside, NO_LONGER_THAN_NS));
}

/**
 * Sends bytes from outside its memory: from the null page, from beyond the end, and across the end
 * of the address space.
 */
export function arenaOutside(): bool {
  return isArenaRefused(0) && isArenaRefused(0x8000_0000) && isArenaRefused(0xffff_f000);
}

/** Asks for an answer at an address without memory. */
export function answerOutside(): bool {
  return isAnswerRefused(0x100) && isAnswerRefused(0x8000_0000) && isAnswerRefused(0xffff_ff00);
}

function isAnswerRefused(address: u32): bool {
  record.clear();
  gain(1);
  record.receiveAddress = address;
  record.receiveBytes = 65536;
  return refused(call(system.handle, BOOT_LINE | HEADER_FLAG_LONG, RECORD, NO_LONGER_THAN_NS));
}

function isArenaRefused(address: u32): bool {
  record.clear();
  record.arenaAddress = address;
  record.arenaBytes = 8192;
  return isRefused();
}

/** `field` is the offset of a field in the record. */
function isRefusedWith(field: u32, value: u32): bool {
  record.clear();
  store<u32>(RECORD + field, value);
  return isRefused();
}

function isRefused(): bool {
  gain(1);
  return refused(call(echo.handle, NOTHING | HEADER_FLAG_LONG, RECORD, NO_LONGER_THAN_NS));
}
