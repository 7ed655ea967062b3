import { loadFence, readTsc } from "../../../drivers/support/x64";
import { ObjectType, RIGHT_CALL, RIGHT_SIGNAL } from "../../../kernel/abi/object";
import {
  HANDLE_INDEX_DOMAIN,
  HANDLE_INDEX_INBOX,
  HEADER_FLAG_LONG,
} from "../../../kernel/abi/system-call";
import { Status } from "../../../kernel/abi/status";
import { recv, reply } from "../../../services/runtime/trine";
import {
  clearLong,
  initialHandle,
  receivedHeader,
  receivedMethod,
  receivedToken,
  record,
  request2,
  sendHandle,
  setHandleCount,
  setWord,
  word,
} from "../../system/message";

const DOMAIN = initialHandle(HANDLE_INDEX_DOMAIN);
const INBOX = initialHandle(HANDLE_INDEX_INBOX);
const METHOD_NOTICE: u32 = 0;

/** The counter is read as soon as `recv` returns, whatever it returns with. */
export function main(): void {
  request2(DOMAIN, ObjectType.Domain, 5, INBOX, 1);
  const notice = <u32>word(0);
  let told: u64 = 0;
  while (true) {
    const status = recv(INBOX, 0, record, 0);
    loadFence();
    const now = readTsc();
    if (status === Status.Notified) told = now;
    if (status !== Status.Ok) continue;
    const token = receivedToken();
    const header = receivedHeader() & ~0xfc07;
    if (receivedMethod() === METHOD_NOTICE) {
      clearLong(0);
      sendHandle(0, notice, RIGHT_CALL | RIGHT_SIGNAL);
      setHandleCount(1);
      reply(token, header | HEADER_FLAG_LONG, record, 0, 0);
    } else {
      setWord(0, told);
      reply(token, header | 1, record, 0, 0);
    }
  }
}
