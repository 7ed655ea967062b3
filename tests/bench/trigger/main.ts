import { in8, loadFence, out8, readTsc } from "../../../drivers/support/x64";
import { HANDLE_INDEX_FIRST_NAMED, HANDLE_INDEX_INBOX } from "../../../kernel/abi/system-call";
import { Status } from "../../../kernel/abi/status";
import { call, recv, reply } from "../../../services/runtime/trine";
import { TICKS_NO_PORT } from "../ticks";
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
/** Keeps what is written to it; without a port, all its bits are ones. */
const SCRATCH: u32 = 0x2ff;
/** A reading takes a real machine a microsecond. */
const READS_UNTIL_INTERRUPT: u32 = 100;
/** MODEM_CONTROL: without it the port's interrupts do not reach the line. */
const OUT2: u32 = 8;
/** INTERRUPT_ENABLE: an empty transmitter interrupts, and it is always empty here. */
const TRANSMITTER_EMPTY: u32 = 2;

/**
 * `measure` returns the ticks from the write that raises the line to the driver's return from
 * `recv`; 0 if the driver was not notified, and TICKS_NO_PORT if there is nothing to interrupt.
 */
export function main(): void {
  out8(INTERRUPT_ENABLE, 0);
  out8(MODEM_CONTROL, OUT2);
  while (true) {
    if (recv(INBOX, 0, record, 0) !== Status.Ok) continue;
    const token = receivedToken();
    const request = receivedHeader();
    if (!hasPort()) {
      setWord(0, TICKS_NO_PORT);
      reply(token, (request & ~0xfc07) | 1, record, 0, 0);
      continue;
    }
    loadFence();
    const start = readTsc();
    loadFence();
    out8(INTERRUPT_ENABLE, TRANSMITTER_EMPTY);
    // The driver has the higher priority: it runs as soon as the interrupt has come, which may take
    // some instructions.
    for (let reads: u32 = 0; reads < READS_UNTIL_INTERRUPT; reads++) in8(SCRATCH);
    const status = call(DRIVER, header(TIMING_INTERFACE, 0, 0), record, 0);
    out8(INTERRUPT_ENABLE, 0);
    const told = word(0);
    setWord(0, status === Status.Ok && told > start ? told - start : 0);
    reply(token, (request & ~0xfc07) | 1, record, 0, 0);
  }
}

function hasPort(): bool {
  out8(SCRATCH, 0x5a);
  return in8(SCRATCH) === 0x5a;
}
