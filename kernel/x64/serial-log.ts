// The kernel's log: COM1, 115200 8N1, by polling, and the text screen. It needs no interrupt, no
// memory and no domain, so it works when everything else is dead. Text is printed as ASCII.

import { showByte } from "./screen-log";
import { in8, out8 } from "./x64";

const COM1: u32 = 0x3f8;
/** A program that is granted this port drives the line on which the log is printed. */
export const LOG_PORT: u32 = COM1;
const LINE_STATUS: u32 = COM1 + 5;
const MODEM_CONTROL: u32 = COM1 + 4;
const MODEM_STATUS: u32 = COM1 + 6;
/** Data terminal ready, request to send. */
const MODEM_READY: u32 = 0x03;
/** In this mode the port returns its four modem outputs as its four inputs, in another order. */
const LOOP: u32 = 0x10;
const TRANSMITTER_EMPTY: u32 = 1 << 5;
/** No byte is waiting, and none is being sent. */
const TRANSMITTER_IDLE: u32 = 1 << 6;
/** More polls than a loader's last bytes take. */
const IDLE_POLLS_MAX: u32 = 100_000;
/**
 * Polls for one byte. A byte takes 87 µs at 115200 baud and a poll at least 0.1 µs, but the far end
 * may be an emulator whose reader is kept waiting. If the port stays busy all that time, the byte
 * is lost, and the next bytes wait for only POLLS_STUCK polls until the port takes one again.
 */
const POLLS_MAX: u32 = 5_000_000;
const POLLS_STUCK: u32 = 1000;
let patience: u32 = POLLS_MAX;

/** True if there is a port; initializeLog finds out. The log is sent in any case. */
let hasPort: bool = false;

/** Sets the line: no interrupts, 115200 baud, 8 bits, no parity, 1 stop bit, buffers on. */
export function initializeLog(): void {
  // Wait until the loader's last bytes are sent: the settings would cut them off.
  for (let polls: u32 = 0; polls < IDLE_POLLS_MAX; polls++) {
    if ((in8(LINE_STATUS) & TRANSMITTER_IDLE) !== 0) break;
  }
  out8(COM1 + 1, 0);
  out8(COM1 + 3, 0x80);
  out8(COM1 + 0, 1);
  out8(COM1 + 1, 0);
  out8(COM1 + 3, 0x03);
  out8(COM1 + 2, 0x07);
  hasPort = loopsBack(0x0a, 0x90) && loopsBack(0x05, 0x60);
  out8(MODEM_CONTROL, MODEM_READY);
}

/** True if the port returns modem outputs as inputs in its loop mode. Sends nothing. */
function loopsBack(outputs: u32, inputs: u32): bool {
  out8(MODEM_CONTROL, LOOP | outputs);
  return (in8(MODEM_STATUS) & 0xf0) === inputs;
}

/** Logs on which line the system takes input, for readers who have only the screen. */
export function logConsole(): void {
  logLine(
    hasPort
      ? "trine: console: serial port 1, 0x3f8, 115200 8N1"
      : "trine: console: none, no serial port answers at 0x3f8",
  );
}

export function logByte(byte: u32): void {
  sendByte(byte);
  showByte(byte);
}

function sendByte(byte: u32): void {
  for (let polls: u32 = 0; polls < patience; polls++) {
    if ((in8(LINE_STATUS) & TRANSMITTER_EMPTY) !== 0) {
      out8(COM1, byte);
      patience = POLLS_MAX;
      return;
    }
  }
  patience = POLLS_STUCK;
}

/** Prints a string literal. What is not ASCII becomes `?`. */
export function logText(text: string): void {
  const address = changetype<usize>(text);
  const length = <u32>text.length;
  for (let i: u32 = 0; i < length; i++) {
    const unit = <u32>load<u16>(address + ((<usize>i) << 1));
    logByte(unit < 0x80 ? unit : 0x3f);
  }
}

export function logLine(text: string): void {
  logText(text);
  endLine();
}

export function endLine(): void {
  logByte(13);
  logByte(10);
}

/** Decimal. */
export function logNumber(value: u64): void {
  let unit: u64 = 1;
  while (value / unit >= 10) unit *= 10;
  while (unit > 0) {
    logByte(0x30 + <u32>((value / unit) % 10));
    unit /= 10;
  }
}

/** Hexadecimal, without leading zeros. */
export function logHex(value: u64): void {
  let shift: u32 = 60;
  while (shift > 0 && value >> shift === 0) shift -= 4;
  logHexDigits(value, (shift >> 2) + 1);
}

/** Hexadecimal, the lowest `digits` digits. */
export function logHexDigits(value: u64, digits: u32): void {
  for (let i = digits; i > 0; i--) {
    const digit = <u32>(value >> ((<u64>(i - 1)) << 2)) & 15;
    logByte(digit < 10 ? 0x30 + digit : 0x57 + digit);
  }
}
