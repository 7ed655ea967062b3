import {
  HANDLE_INDEX_FIRST_NAMED,
  HANDLE_INDEX_INBOX,
  HEADER_FLAG_ERROR,
  HEADER_FLAG_RECEIVE,
} from "../../../kernel/abi/system-call";
import { Status } from "../../../kernel/abi/status";
import { call, recv, reply } from "../../../services/runtime/trine";
import { initialHandle, receivedHeader, receivedToken, record } from "../../system/message";

const INBOX = initialHandle(HANDLE_INDEX_INBOX);
const RESPONDER = initialHandle(HANDLE_INDEX_FIRST_NAMED + 1);

/** The words stay in the record all the way, there and back. */
export function main(): void {
  let status = recv(INBOX, 0, record, 0);
  while (true) {
    if (status !== Status.Ok) {
      status = recv(INBOX, 0, record, 0);
      continue;
    }
    const request = receivedHeader();
    const token = receivedToken();
    // A wrong answer: the bench counts it as a failure.
    const failed =
      call(RESPONDER, request & ~0xfc00, record, 0) === Status.Ok ? 0 : HEADER_FLAG_ERROR;
    status = reply(token, (request & ~0xfc00) | HEADER_FLAG_RECEIVE | failed, record, INBOX, 0);
  }
}
