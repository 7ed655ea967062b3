import { Status } from "../../kernel/abi/status";
import { domain } from "./handles";
import { recv } from "./trine";

const SLEEP_RECORD: usize = memory.data(64, 8);
let sleepInbox: u32 = 0;

/** Waits at an inbox of its own, to which nothing is bound, so that no message is received. */
export function sleep(nanoseconds: u64): void {
  if (nanoseconds === 0) return;
  if (sleepInbox === 0) {
    const made = domain.createInbox();
    if (made.status !== Status.Ok) return;
    sleepInbox = made.handle;
  }
  recv(sleepInbox, 0, SLEEP_RECORD, nanoseconds);
}
