import { RESPONSE_WORDS_MAX, TEXT_BYTES_MAX } from "../../build/generated/kernel/method-shapes";
import { Permission } from "../abi/permission";
import { Status } from "../abi/status";
import { clamped } from "../base/speculation";
import { copyFromUser } from "../memory/user-memory";
import { judgePermission } from "../monitor/monitor";
import { Domain } from "../object/domain";
import { HandleEntry } from "../object/handle-entry";
import { Thread } from "../object/thread";
import { TextBuffer } from "./text-buffer";

/** A call of a kernel object's method, as the method sees it. */
@unmanaged
@final
export class MethodCall {
  /** The caller. */
  thread: Thread;
  domain: Domain;
  /** The caller's handle that names the object. */
  handle: HandleEntry;

  /** The words of the request, in the caller's capture buffer. */
  @inline get request(): usize {
    return this.thread.capture.words;
  }
  /** The words of the response, zero until the method writes them. */
  @inline get response(): usize {
    return responseWords;
  }
  /** The text of the request, once `takeText` was called, or of the response. Empty at first. */
  @inline get text(): TextBuffer {
    return changetype<TextBuffer>(text);
  }

  /** Judges a permission that the caller needs over an object of the class; records a denial. */
  judge(objectClass: u32, permission: Permission): Status {
    return judgePermission(this.domain.slot, this.domain.classId, objectClass, permission);
  }

  /**
   * Copies a text of the request, `offset` and `length` in the caller's arena, into `text`.
   * BadArgument if it is longer than `max`; BadAddress if it cannot be read.
   */
  takeText(offset: u32, length: u32, max: u32): Status {
    if (length > max || length > TEXT_BYTES_MAX) return Status.BadArgument;
    const bytes = clamped(length, TEXT_BYTES_MAX + 1);
    const start = <u64>this.thread.capture.arenaAddress + <u64>offset;
    if (start > <u64>u32.MAX_VALUE) return Status.BadAddress;
    if (!copyFromUser(this.domain, this.text.start, <u32>start, bytes)) return Status.BadAddress;
    this.text.length = bytes;
    return Status.Ok;
  }
}

// One method runs at a time, so there is one of each.
const place: usize = memory.data(16, 8);
const responseWords: usize = memory.data(128, 8);
const text: usize = memory.data(520, 8);
if (offsetof<MethodCall>() > 16) ERROR("MethodCall is larger than its place");
if (RESPONSE_WORDS_MAX << 3 > 128) ERROR("a response is larger than its place");
if (offsetof<TextBuffer>() + TEXT_BYTES_MAX > 520) ERROR("a text is larger than its place");

/** Begins a call whose response has `words` words. The call before it is over. */
export function beginCall(
  thread: Thread,
  domain: Domain,
  handle: HandleEntry,
  words: u32,
): MethodCall {
  const call = changetype<MethodCall>(place);
  call.thread = thread;
  call.domain = domain;
  call.handle = handle;
  // What the method does not write must not be what the method before it wrote.
  for (let i: u32 = 0; i < words; i++) store<u64>(responseWords + ((<usize>i) << 3), 0);
  call.text.length = 0;
  return call;
}
