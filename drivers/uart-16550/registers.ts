// The registers of a 16550 serial port, one byte each at an I/O port. The image grants the driver
// exactly these eight ports.

import { in8, out8 } from "../support/x64";

/** COM1. */
const BASE: u32 = 0x3f8;

/** A register; the reference is the number of its port. */
@unmanaged
@final
class Register {
  @inline read(): u32 {
    return in8(<u32>changetype<usize>(this));
  }

  @inline write(value: u32): void {
    out8(<u32>changetype<usize>(this), value);
  }
}

/** Received bytes when read, bytes to send when written. */
const DATA: Register = changetype<Register>(BASE);
const INTERRUPT_ENABLE: Register = changetype<Register>(BASE + 1);
/** When read. */
const INTERRUPT_IDENTIFICATION: Register = changetype<Register>(BASE + 2);
/** When written. */
const FIFO_CONTROL: Register = changetype<Register>(BASE + 2);
const LINE_CONTROL: Register = changetype<Register>(BASE + 3);
const MODEM_CONTROL: Register = changetype<Register>(BASE + 4);
const LINE_STATUS: Register = changetype<Register>(BASE + 5);
/** While `LineControl.DivisorLatch` is set, the first two registers hold the divisor. */
const DIVISOR_LOW: Register = changetype<Register>(BASE);
const DIVISOR_HIGH: Register = changetype<Register>(BASE + 1);

enum InterruptEnable {
  None = 0,
  Received = 0x01,
  TransmitterEmpty = 0x02,
}

enum FifoControl {
  /** Switches the FIFOs on and keeps the bytes in them. */
  On = 0x01,
  /** Interrupts at 8 received bytes, or when fewer have waited for four characters' time. */
  TriggerAt8 = 0x80,
}

enum LineControl {
  /** 8 data bits, no parity, one stop bit. */
  Format8N1 = 0x03,
  DivisorLatch = 0x80,
}

enum ModemControl {
  DataTerminalReady = 0x01,
  RequestToSend = 0x02,
  /** On a PC, connects the port's interrupt to its line. */
  Out2 = 0x08,
}

export enum LineStatus {
  DataReady = 0x01,
  Overrun = 0x02,
  TransmitterEmpty = 0x20,
}

/** The clock of 1.8432 MHz divided by 16 is 115200 baud. */
const DIVISOR_115200: u32 = 1;

/** Bytes that the transmitter takes once it is empty. */
export const TRANSMIT_FIFO_BYTES: u32 = 16;

/**
 * Sets 115200 baud, 8 data bits, no parity, one stop bit, and interrupts for received bytes.
 *
 * The line may be in use, by an instance of the driver that died: a byte on the line is not
 * disturbed, and the FIFOs keep their bytes.
 */
export function initialize(): void {
  INTERRUPT_ENABLE.write(InterruptEnable.None);
  LINE_CONTROL.write(LineControl.DivisorLatch | LineControl.Format8N1);
  if ((DIVISOR_LOW.read() | (DIVISOR_HIGH.read() << 8)) !== DIVISOR_115200) {
    DIVISOR_LOW.write(DIVISOR_115200 & 0xff);
    DIVISOR_HIGH.write(DIVISOR_115200 >> 8);
  }
  LINE_CONTROL.write(LineControl.Format8N1);
  FIFO_CONTROL.write(FifoControl.On | FifoControl.TriggerAt8);
  MODEM_CONTROL.write(
    ModemControl.DataTerminalReady | ModemControl.RequestToSend | ModemControl.Out2,
  );
  INTERRUPT_ENABLE.write(InterruptEnable.Received);
}

/**
 * Enables the interrupt for received bytes and, with `forRoom`, the one for an empty transmitter.
 *
 * Disables both first: the interrupt controller sees only edges, so a condition that holds already
 * must raise the line again.
 */
export function armInterrupt(forRoom: bool): void {
  INTERRUPT_ENABLE.write(InterruptEnable.None);
  INTERRUPT_ENABLE.write(
    forRoom
      ? InterruptEnable.Received | InterruptEnable.TransmitterEmpty
      : InterruptEnable.Received,
  );
}

/** Bits of `LineStatus`. */
export function lineStatus(): u32 {
  return LINE_STATUS.read();
}

/** Reading this register acknowledges a transmitter interrupt. */
export function interruptIdentification(): u32 {
  return INTERRUPT_IDENTIFICATION.read();
}

export function receiveByte(): u32 {
  return DATA.read();
}

export function transmitByte(value: u32): void {
  DATA.write(value);
}
