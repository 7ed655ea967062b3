// The driver of a 16550 serial port, by interrupts. Bytes to send and bytes received wait in rings.

import {
  SerialInfoReply,
  SerialReadReply,
  SerialServer,
  SerialWriteReply,
} from "../../build/generated/interfaces/Serial";
import { NoticeClient } from "../../build/generated/interfaces/Notice";
import { line } from "../../build/generated/programs/uart16550";
import { Status } from "../../kernel/abi/status";
import { ByteRing } from "../../services/runtime/byte-ring";
import { domain } from "../../services/runtime/handles";
import { callToken, DEFERRED, INBOX, OK, serve } from "../../services/runtime/server";
import { Text } from "../../services/runtime/text";
import {
  armInterrupt,
  initialize,
  interruptIdentification,
  LineStatus,
  lineStatus,
  receiveByte,
  transmitByte,
  TRANSMIT_FIFO_BYTES,
} from "./registers";

/** Notice bit of the device's interrupt. */
const INTERRUPT_BIT: u64 = 1;
/** Bit that the driver signals to its reader when input has arrived. */
const INPUT_BIT: u64 = 1;

/** A pasted page of text: 0.36 s at full line speed. */
const RECEIVE_ROOM: u32 = 4096;
const TRANSMIT_ROOM: u32 = 4096;
/** Bytes handled in one turn, so that a line that never pauses cannot occupy the driver. */
const RECEIVE_TURN_BYTES: u32 = 256;
const DROP_STEPS_MAX = 16;

class Uart extends SerialServer {
  private readonly received: ByteRing = new ByteRing(RECEIVE_ROOM);
  private readonly waiting: ByteRing = new ByteRing(TRANSMIT_ROOM);
  private reader: NoticeClient = NoticeClient.of(0);
  /** The token of the writer whose last bytes did not fit yet (0: none), and those bytes. */
  private writer: u64 = 0;
  private readonly rest: Text = Text.withRoom(1024);

  private lost: u32 = 0;
  private receivedCount: u64 = 0;
  private sentCount: u64 = 0;
  private interruptCount: u64 = 0;
  private overrunCount: u64 = 0;

  attach(notice: u32): u32 {
    if (this.reader.handle !== 0) this.forget();
    this.reader = NoticeClient.of(notice);
    if (this.received.length > 0) this.reader.signal(INPUT_BIT);
    return OK;
  }

  /** Drops the reader's notice. Nothing is derived from the handle, so a few steps suffice. */
  private forget(): void {
    for (
      let steps = 0;
      steps < DROP_STEPS_MAX && domain.drop(this.reader.handle).status === Status.Again;
      steps++
    ) {}
    this.reader = NoticeClient.of(0);
  }

  write(data: Text): u32 {
    const taken = this.waiting.pushBytes(data.address, data.length);
    this.transmit();
    if (taken === data.length) return OK;

    // Only one writer waits at a time: the policy lets the console alone write, and the console has
    // one thread.
    if (this.writer !== 0) this.answerWriter();
    this.writer = callToken();
    this.rest.clear().bytes(data.address + taken, data.length - taken);
    return DEFERRED;
  }

  read(reply: SerialReadReply): u32 {
    const data = reply.data;
    while (this.received.length > 0 && data.length < data.room) data.byte(this.received.shift());
    reply.lost = this.lost;
    this.lost = 0;
    return OK;
  }

  info(reply: SerialInfoReply): u32 {
    reply.received = this.receivedCount;
    reply.sent = this.sentCount;
    reply.interrupts = this.interruptCount;
    reply.overruns = this.overrunCount;
    return OK;
  }

  notified(bits: u64): void {
    if ((bits & INTERRUPT_BIT) === 0) return;
    this.interruptCount += 1;
    interruptIdentification();
    this.receive();
    // Arms the interrupt again, also if this turn has left bytes behind.
    this.transmit();
  }

  /** Moves received bytes from the device to the ring, and signals the reader. */
  private receive(): void {
    let taken: u32 = 0;
    for (
      let status = lineStatus();
      (status & LineStatus.DataReady) !== 0 && taken < RECEIVE_TURN_BYTES;
      status = lineStatus()
    ) {
      if ((status & LineStatus.Overrun) !== 0) this.overrunCount += 1;
      if (!this.received.push(receiveByte())) this.lost += 1;
      taken++;
    }
    this.receivedCount += taken;
    if (taken > 0 && this.reader.handle !== 0) this.reader.signal(INPUT_BIT);
  }

  /** Fills the device's transmitter if it is empty, continues a waiting writer, and arms. */
  private transmit(): void {
    let room: u32 = (lineStatus() & LineStatus.TransmitterEmpty) !== 0 ? TRANSMIT_FIFO_BYTES : 0;
    while (room > 0 && this.waiting.length > 0) {
      transmitByte(this.waiting.shift());
      this.sentCount += 1;
      room--;
    }
    if (this.writer !== 0) this.continueWriter();
    armInterrupt(this.waiting.length > 0);
  }

  private continueWriter(): void {
    const taken = this.waiting.pushBytes(this.rest.address, this.rest.length);
    this.rest.remove(0, taken);
    if (this.rest.length === 0) this.answerWriter();
  }

  private answerWriter(): void {
    SerialWriteReply.to(this.writer).send();
    this.writer = 0;
  }
}

export function main(): void {
  initialize();
  line.bind(INBOX, INTERRUPT_BIT);
  serve(new Uart());
}
