import { Status } from "../../kernel/abi/status";

/** The last answer that an attempt got, and how much it gained or how often it tried. */
export let result: u32 = 0;
export let gained: u64 = 0;

export function begin(): void {
  result = Status.Ok;
  gained = 0;
}

/**
 * Takes down an answer. True if it was a refusal; what was only begun, and goes on when asked
 * again, was not refused.
 */
export function refused(status: u32): bool {
  result = status;
  return (
    status !== Status.Ok &&
    status !== Status.Notified &&
    status !== Status.ErrorReply &&
    status !== Status.Again
  );
}

export function gain(amount: u64): void {
  gained += amount;
}
