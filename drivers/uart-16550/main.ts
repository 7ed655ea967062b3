// The serial line: a 16550 driven by its interrupt.

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
  lineStatus,
  receiveByte,
  STATUS_DATA_READY,
  STATUS_OVERRUN,
  STATUS_TRANSMITTER_EMPTY,
  transmitByte,
  TRANSMIT_FIFO_BYTES,
} from "./registers";

/** Notice bit of the device's interrupt. */
const INTERRUPT_BIT: u64 = 1;
/** Bit by which whoever reads is told of input. */
const INPUT_BIT: u64 = 1;

/** Two seconds of typing at full line speed are lost sooner than a person's pasted page. */
const RECEIVE_ROOM: u32 = 4096;
const TRANSMIT_ROOM: u32 = 4096;
/** Bytes handled in one turn, so that a line that never falls silent cannot hold the driver. */
const RECEIVE_TURN_BYTES: u32 = 256;
const DROP_STEPS_MAX = 16;

class Uart extends SerialServer {
  private readonly received: ByteRing = new ByteRing(RECEIVE_ROOM);
  private readonly waiting: ByteRing = new ByteRing(TRANSMIT_ROOM);
  private reader: NoticeClient = NoticeClient.of(0);
  /** The writer whose last bytes found no room yet, and those bytes. */
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

  /** Gives the notice back. It has no derived handles, so a few steps are enough. */
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

    // One writer waits at a time: the class that may write is the console's alone, and it is one
    // thread.
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
    // Arms the interrupt again, also for what a turn has left behind.
    this.transmit();
  }

  /** Takes what the device has received. */
  private receive(): void {
    let taken: u32 = 0;
    for (
      let status = lineStatus();
      (status & STATUS_DATA_READY) !== 0 && taken < RECEIVE_TURN_BYTES;
      status = lineStatus()
    ) {
      if ((status & STATUS_OVERRUN) !== 0) this.overrunCount += 1;
      if (!this.received.push(receiveByte())) this.lost += 1;
      taken++;
    }
    this.receivedCount += taken;
    if (taken > 0 && this.reader.handle !== 0) this.reader.signal(INPUT_BIT);
  }

  /** Fills the device's transmitter if it is empty, and lets a waiting writer go on. */
  private transmit(): void {
    let room: u32 = (lineStatus() & STATUS_TRANSMITTER_EMPTY) !== 0 ? TRANSMIT_FIFO_BYTES : 0;
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
    this.rest.length -= taken;
    memory.copy(this.rest.address, this.rest.address + taken, this.rest.length);
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
