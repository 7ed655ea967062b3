import {
  ConsoleError,
  ConsoleInfoReply,
  ConsoleInterruptedReply,
  ConsoleReadReply,
  ConsoleServer,
} from "../../build/generated/interfaces/Console";
import { clock, serial } from "../../build/generated/programs/console";
import { RIGHT_CALL, RIGHT_SIGNAL } from "../../kernel/abi/object";
import { Status } from "../../kernel/abi/status";
import { ByteRing } from "../runtime/byte-ring";
import { domain } from "../runtime/handles";
import { setCallTimeout } from "../runtime/message";
import { callToken, DEFERRED, INBOX, OK } from "../runtime/server";
import { Text } from "../runtime/text";

/** Notice bit that the driver signals when input has arrived. */
const INPUT_BIT: u64 = 1;
const TIMER_BIT: u64 = 2;

/** ^C as it is typed. */
const INTERRUPT: u32 = 0x03;

/** Input typed while no program reads: more than a screen of text. */
const INPUT_ROOM: u32 = 4096;
/** The driver accepts this much in one message. */
const OUTPUT_ROOM: u32 = 1024;
/** Reads in one turn, so that endless input cannot keep writers waiting. */
const READS_A_TURN = 8;
/** How often to check whether the driver was restarted while no input came. */
const LOOK_NS: u64 = 500_000_000;
/** How often to ask the driver for input while it does not have the notice. */
const POLL_NS: u64 = 20_000_000;
/**
 * After this time a write is abandoned, so that the console does not hang with its line. It is
 * longer than the longest wait before a restart of the driver.
 */
const WRITE_TIMEOUT_NS: u64 = 10_000_000_000;
/** After so many deaths of the driver during one write, the rest of the write is dropped. */
const WRITE_TRIES = 8;

export class Terminal extends ConsoleServer {
  private readonly input: ByteRing = new ByteRing(INPUT_ROOM);
  private readonly output: Text = Text.withRoom(OUTPUT_ROOM);
  /** Token of the `read` that waits for input; 0 if none waits. */
  private reader: u64 = 0;
  /** Token of the `interrupted` that waits for ^C; 0 if none waits. */
  private watcher: u64 = 0;
  /** The notice that the driver signals, and whether the running driver has it. */
  private notice: u32 = 0;
  private isAttached: bool = false;
  private lost: u32 = 0;
  private driverRestarts: u32 = 0;

  /** Gives the driver the notice. Call it once, before serving. */
  connect(): void {
    const made = domain.createNotice(INBOX, INPUT_BIT);
    if (made.ok) this.notice = made.handle;
    this.attach();
    this.setTimer();
  }

  write(text: Text): u32 {
    for (let index: u32 = 0; index < text.length; index++) {
      const byte = text.byteAt(index);
      // A newline takes two bytes on the line.
      if (this.output.length + 2 > this.output.room) this.flush();
      if (byte === 0x0a) this.output.byte(0x0d);
      this.output.byte(byte);
    }
    this.flush();
    return OK;
  }

  read(reply: ConsoleReadReply): u32 {
    if (this.input.length > 0) {
      this.take(reply);
      return OK;
    }
    if (this.reader !== 0) ConsoleReadReply.to(this.reader).refuse(ConsoleError.Interrupted);
    this.reader = callToken();
    return DEFERRED;
  }

  interrupted(wait: bool, reply: ConsoleInterruptedReply): u32 {
    const isTyped = this.isInterrupted();
    reply.typed = isTyped;
    this.takeInterrupts();
    if (isTyped || !wait) return OK;
    if (this.watcher !== 0)
      ConsoleInterruptedReply.to(this.watcher).refuse(ConsoleError.Interrupted);
    this.watcher = callToken();
    return DEFERRED;
  }

  info(reply: ConsoleInfoReply): u32 {
    reply.waiting = this.input.length;
    reply.lost = this.lost;
    reply.driverRestarts = this.driverRestarts;
    return OK;
  }

  notified(bits: u64): void {
    if ((bits & (INPUT_BIT | TIMER_BIT)) !== 0) this.fetch();
    if ((bits & TIMER_BIT) !== 0) this.setTimer();
  }

  /** Moves input to `reply`. */
  private take(reply: ConsoleReadReply): void {
    const data = reply.data;
    while (this.input.length > 0 && data.length < data.room) data.byte(this.input.shift());
  }

  /** Reads the driver's input, and answers the calls that wait for it. */
  private fetch(): void {
    for (let turn = 0; turn < READS_A_TURN; turn++) {
      const answer = serial.read();
      if (answer.status === Status.Restarted || answer.status === Status.PeerDied) {
        this.driverRestarts += 1;
        this.isAttached = false;
      }
      if (!answer.ok) break;
      const data = answer.data;
      this.lost += answer.lost;
      this.keep(data);
      if (data.length === 0) break;
    }
    if (!this.isAttached) this.attach();
    if (this.reader !== 0 && this.input.length > 0) this.answerReader();
    if (this.watcher !== 0 && this.isInterrupted()) this.answerWatcher();
  }

  /**
   * Adds input, as far as there is room. If a ^C did not fit, the older input is dropped, so that
   * the ^C is kept.
   */
  private keep(data: Text): void {
    if (data.length > this.input.free && holdsInterrupt(data)) {
      this.lost += this.input.length;
      this.input.clear();
    }
    this.lost += data.length - this.input.pushBytes(data.address, data.length);
  }

  /**
   * Answers the reader. Its input is removed only if the answer arrived: a reader that stopped
   * waiting gets the same input the next time.
   */
  private answerReader(): void {
    const reply = ConsoleReadReply.to(this.reader);
    const data = reply.data;
    const count = min(this.input.length, data.room);
    for (let index: u32 = 0; index < count; index++) data.byte(this.input.at(index));
    this.reader = 0;
    if (reply.send() === Status.Gone) return;
    for (let index: u32 = 0; index < count; index++) this.input.shift();
  }

  /** Answers the watcher. The ^C is removed only if the answer arrived. */
  private answerWatcher(): void {
    const reply = ConsoleInterruptedReply.to(this.watcher);
    reply.typed = true;
    this.watcher = 0;
    if (reply.send() !== Status.Gone) this.takeInterrupts();
  }

  private isInterrupted(): bool {
    for (let index: u32 = 0; index < this.input.length; index++)
      if (this.input.at(index) === INTERRUPT) return true;
    return false;
  }

  /** Removes every ^C from the input. */
  private takeInterrupts(): void {
    for (let left = this.input.length; left > 0; left--) {
      const byte = this.input.shift();
      if (byte !== INTERRUPT) this.input.push(byte);
    }
  }

  private attach(): void {
    if (this.notice === 0) return;
    this.isAttached = serial.attach(this.notice, RIGHT_CALL | RIGHT_SIGNAL).ok;
  }

  private setTimer(): void {
    const now = clock.now();
    clock.setTimer(now.nanoseconds + (this.isAttached ? LOOK_NS : POLL_NS), INBOX, TIMER_BIT);
  }

  /** Sends the output, again after each death of the driver, and clears it. */
  private flush(): void {
    const before = setCallTimeout(WRITE_TIMEOUT_NS);
    for (let tries = 0; tries < WRITE_TRIES; tries++) {
      const status = serial.write(this.output).status;
      if (status !== Status.Restarted && status !== Status.PeerDied) break;
      this.driverRestarts += 1;
      this.isAttached = false;
    }
    setCallTimeout(before);
    this.output.clear();
    if (!this.isAttached) this.attach();
  }
}

function holdsInterrupt(data: Text): bool {
  for (let index: u32 = 0; index < data.length; index++)
    if (data.byteAt(index) === INTERRUPT) return true;
  return false;
}
