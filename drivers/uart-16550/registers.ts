// The registers of a 16550 serial port, by their I/O ports. The image grants exactly these eight.

import { in8, out8 } from "../support/x64";

/** COM1. */
const BASE: u32 = 0x3f8;

const DATA: u32 = BASE;
const INTERRUPT_ENABLE: u32 = BASE + 1;
const INTERRUPT_IDENTIFICATION: u32 = BASE + 2;
const FIFO_CONTROL: u32 = BASE + 2;
const LINE_CONTROL: u32 = BASE + 3;
const MODEM_CONTROL: u32 = BASE + 4;
const LINE_STATUS: u32 = BASE + 5;
/** With the divisor latch open, the first two registers are the divisor. */
const DIVISOR_LOW: u32 = BASE;
const DIVISOR_HIGH: u32 = BASE + 1;

const LINE_CONTROL_8N1: u32 = 0x03;
const LINE_CONTROL_DIVISOR_LATCH: u32 = 0x80;
/**
 * FIFOs on, with what they hold; interrupt at 8 bytes received (or when a few wait for some time).
 */
const FIFO_ON: u32 = 0x81;
/** Data terminal ready, request to send, and OUT2, which lets the interrupt through on a PC. */
const MODEM_READY: u32 = 0x0b;
const ENABLE_RECEIVED: u32 = 0x01;
const ENABLE_TRANSMITTER_EMPTY: u32 = 0x02;
/** 115200 baud: the clock of 1.8432 MHz divided by 16, divided by 1. */
const DIVISOR_115200: u32 = 1;

export const STATUS_DATA_READY: u32 = 0x01;
export const STATUS_OVERRUN: u32 = 0x02;
export const STATUS_TRANSMITTER_EMPTY: u32 = 0x20;

/** Bytes that the transmitter takes once it is empty. */
export const TRANSMIT_FIFO_BYTES: u32 = 16;

/**
 * 115200 baud, 8 bits, no parity, one stop bit, interrupts for received bytes.
 *
 * A driver that takes over from one that died finds the line in use: words on it are not disturbed,
 * and what the FIFOs hold stays there.
 */
export function initialize(): void {
  out8(INTERRUPT_ENABLE, 0);
  out8(LINE_CONTROL, LINE_CONTROL_DIVISOR_LATCH | LINE_CONTROL_8N1);
  if ((in8(DIVISOR_LOW) | (in8(DIVISOR_HIGH) << 8)) !== DIVISOR_115200) {
    out8(DIVISOR_LOW, DIVISOR_115200 & 0xff);
    out8(DIVISOR_HIGH, DIVISOR_115200 >> 8);
  }
  out8(LINE_CONTROL, LINE_CONTROL_8N1);
  out8(FIFO_CONTROL, FIFO_ON);
  out8(MODEM_CONTROL, MODEM_READY);
  out8(INTERRUPT_ENABLE, ENABLE_RECEIVED);
}

/**
 * Asks for the next interrupt: for received bytes, and if `forRoom` when the transmitter has room
 * again. All are switched off first, so that a condition that is already there raises the line
 * anew: the controller sees edges only.
 */
export function armInterrupt(forRoom: bool): void {
  out8(INTERRUPT_ENABLE, 0);
  out8(INTERRUPT_ENABLE, forRoom ? ENABLE_RECEIVED | ENABLE_TRANSMITTER_EMPTY : ENABLE_RECEIVED);
}

export function lineStatus(): u32 {
  return in8(LINE_STATUS);
}

/** Reading it is what tells the device that a transmitter interrupt was seen. */
export function interruptIdentification(): u32 {
  return in8(INTERRUPT_IDENTIFICATION);
}

export function receiveByte(): u32 {
  return in8(DATA);
}

export function transmitByte(value: u32): void {
  out8(DATA, value);
}
