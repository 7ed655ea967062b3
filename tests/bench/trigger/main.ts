import { out8, readTsc } from "../../../drivers/support/x64";
import { HANDLE_INDEX_FIRST_NAMED, HANDLE_INDEX_INBOX } from "../../../kernel/abi/system-call";
import { Status } from "../../../kernel/abi/status";
import { call, recv, reply } from "../../../services/runtime/trine";
import {
  header,
  initialHandle,
  receivedHeader,
  receivedToken,
  record,
  setWord,
  word,
} from "../../system/message";

const INBOX = initialHandle(HANDLE_INDEX_INBOX);
const DRIVER = initialHandle(HANDLE_INDEX_FIRST_NAMED + 1);
const TIMING_INTERFACE: u32 = 0x7f2;
/** The second serial port. */
const INTERRUPT_ENABLE: u32 = 0x2f9;
const MODEM_CONTROL: u32 = 0x2fc;
/** MODEM_CONTROL: without it the port's interrupts do not reach the line. */
const OUT2: u32 = 8;
/** INTERRUPT_ENABLE: an empty transmitter interrupts, and it is always empty here. */
const TRANSMITTER_EMPTY: u32 = 2;

/**
 * `measure` returns the ticks from the write that raises the line to the driver's return from
 * `recv`; 0 if the driver was not notified.
 */
export function main(): void {
  out8(INTERRUPT_ENABLE, 0);
  out8(MODEM_CONTROL, OUT2);
  while (true) {
    if (recv(INBOX, 0, record, 0) !== Status.Ok) continue;
    const token = receivedToken();
    const request = receivedHeader();
    const start = readTsc();
    out8(INTERRUPT_ENABLE, TRANSMITTER_EMPTY);
    // The driver has the higher priority: it has run before the next line.
    const status = call(DRIVER, header(TIMING_INTERFACE, 0, 0), record, 0);
    out8(INTERRUPT_ENABLE, 0);
    const told = word(0);
    setWord(0, status === Status.Ok && told > start ? told - start : 0);
    reply(token, (request & ~0xfc07) | 1, record, 0, 0);
  }
}
