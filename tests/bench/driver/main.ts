import { loadFence, readTsc } from "../../../drivers/support/x64";
import { ObjectType } from "../../../kernel/abi/object";
import { HANDLE_INDEX_FIRST_NAMED, HANDLE_INDEX_INBOX } from "../../../kernel/abi/system-call";
import { Status } from "../../../kernel/abi/status";
import { recv, reply } from "../../../services/runtime/trine";
import {
  initialHandle,
  receivedHeader,
  receivedToken,
  record,
  request2,
  setWord,
} from "../../system/message";

const INBOX = initialHandle(HANDLE_INDEX_INBOX);
const LINE = initialHandle(HANDLE_INDEX_FIRST_NAMED + 1);

/**
 * `measure` returns the time of the last interrupt, 0 if there was none since the last `measure`.
 */
export function main(): void {
  request2(LINE, ObjectType.Interrupt, 0, INBOX, 1);
  let told: u64 = 0;
  while (true) {
    const status = recv(INBOX, 0, record, 0);
    loadFence();
    if (status === Status.Notified) told = readTsc();
    if (status !== Status.Ok) continue;
    setWord(0, told);
    told = 0;
    reply(receivedToken(), (receivedHeader() & ~0xfc07) | 1, record, 0, 0);
  }
}
