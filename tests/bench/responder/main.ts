import {
  HANDLE_INDEX_INBOX,
  HEADER_FLAG_LONG,
  HEADER_FLAG_RECEIVE,
  HEADER_FLAG_RECORD,
} from "../../../kernel/abi/system-call";
import { Status } from "../../../kernel/abi/status";
import { recv, reply } from "../../../services/runtime/trine";
import {
  arena,
  initialHandle,
  receiveArena,
  receivedHeader,
  receivedToken,
  record,
  sendArenaFrom,
} from "../../system/message";

const INBOX = initialHandle(HANDLE_INDEX_INBOX);
const METHOD_PAGE: u32 = 3;

/** The record stays as the request left it, so that the answer has the same words and arena. */
export function main(): void {
  receiveArena(arena, 65536);
  let status = recv(INBOX, HEADER_FLAG_LONG, record, 0);
  while (true) {
    if (status !== Status.Ok) {
      status = recv(INBOX, HEADER_FLAG_LONG, record, 0);
      continue;
    }
    const request = receivedHeader();
    if (((request >> 4) & 63) === METHOD_PAGE) sendArenaFrom(arena);
    status = reply(
      receivedToken(),
      (request & ~0xfc00) | (request & HEADER_FLAG_LONG) | HEADER_FLAG_RECEIVE | HEADER_FLAG_RECORD,
      record,
      INBOX,
      0,
    );
  }
}
