import { Status } from "../../kernel/abi/status";

/** The last status of an attempt, and how much it gained or how often it tried. */
export let result: u32 = 0;
export let gained: u64 = 0;

export function begin(): void {
  result = Status.Ok;
  gained = 0;
}

/** Records a status; true if it is a refusal. `Again` is none: the operation has begun. */
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
