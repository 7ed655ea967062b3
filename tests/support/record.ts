/**
 * Messages in and out of a program's memory, as the kernel moves them
 * (kernel/abi/message-record.ts).
 */
import * as R from "../../kernel/abi/message-record.ts";
import { HEADER_FLAG_LONG, HEADER_WORDS_MASK } from "../../kernel/abi/system-call.ts";
import type { WireMessage } from "../../toolchain/idl/message.ts";

const wordOffset = (index: number): number =>
  index < 4 ? index * 8 : R.RECORD_MORE_WORDS + (index - 4) * 8;

/** The message that the program sends from `record`. */
export function readMessage(memory: DataView, record: number, header: number): WireMessage {
  const isLong = (header & HEADER_FLAG_LONG) !== 0;
  const count = isLong
    ? memory.getUint32(record + R.RECORD_WORD_COUNT, true)
    : header & HEADER_WORDS_MASK;
  const words = Array.from({ length: count }, (_, index) =>
    memory.getBigUint64(record + wordOffset(index), true),
  );
  if (!isLong) return { words, arena: new Uint8Array(), handles: [] };
  const address = memory.getUint32(record + R.RECORD_ARENA_ADDRESS, true);
  const bytes = memory.getUint32(record + R.RECORD_ARENA_BYTES, true);
  const handleCount = memory.getUint32(record + R.RECORD_HANDLE_COUNT, true);
  const handles = Array.from({ length: handleCount }, (_, index) =>
    memory.getUint32(record + R.RECORD_HANDLES + 4 * index, true),
  );
  return { words, arena: new Uint8Array(memory.buffer.slice(address, address + bytes)), handles };
}

/**
 * Delivers `message` into `record`. Throws if the kernel would refuse because the receiver is not
 * prepared for the message.
 */
export function writeMessage(
  memory: DataView,
  record: number,
  isPrepared: boolean,
  header: number,
  message: WireMessage,
): void {
  const { words, arena, handles } = message;
  const isLong = words.length > 4 || arena.length > 0 || handles.length > 0;
  if (isLong && !isPrepared)
    throw new Error(
      `a message of ${words.length} words, ${arena.length} bytes and ${handles.length} handles for a receiver without a record`,
    );
  words.forEach((word, index) => memory.setBigUint64(record + wordOffset(index), word, true));
  const flags = isLong ? HEADER_FLAG_LONG : 0;
  memory.setUint32(
    record + R.RECORD_HEADER,
    (header & ~(HEADER_WORDS_MASK | HEADER_FLAG_LONG)) | flags | Math.min(words.length, 4),
    true,
  );
  if (!isPrepared) return;
  const room = memory.getUint32(record + R.RECORD_RECEIVE_BYTES, true);
  if (arena.length > room)
    throw new Error(`an arena of ${arena.length} bytes for a receiver with room for ${room}`);
  const handleRoom = memory.getUint32(record + R.RECORD_RECEIVE_HANDLES, true);
  if (handles.length > handleRoom)
    throw new Error(`${handles.length} handles for a receiver that takes ${handleRoom}`);
  memory.setUint32(record + R.RECORD_WORD_COUNT, words.length, true);
  memory.setUint32(record + R.RECORD_HANDLE_COUNT, handles.length, true);
  memory.setUint32(record + R.RECORD_ARENA_BYTES, arena.length, true);
  new Uint8Array(memory.buffer).set(
    arena,
    memory.getUint32(record + R.RECORD_RECEIVE_ADDRESS, true),
  );
  handles.forEach((handle, index) =>
    memory.setUint32(record + R.RECORD_HANDLES + 4 * index, handle, true),
  );
}
