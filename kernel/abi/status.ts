/** What a system call returns in eax. */
export enum Status {
  Ok = 0,
  /** recv: notice bits, in word 0, and no message. */
  Notified = 1,
  /** The policy does not allow it. The reason is in the audit log, not here. */
  Denied = 2,
  /** The caller's table has no such handle of that generation. */
  BadHandle = 3,
  /** The handle is of another type than the operation needs. */
  WrongType = 4,
  /** The handle lacks a right that the operation needs. */
  NoRight = 5,
  BadArgument = 6,
  /** The timeout passed before the operation completed. */
  Timeout = 7,
  Cancelled = 8,
  /** The receiver died while it had the call. */
  PeerDied = 9,
  /**
   * The receiver was restarted since this handle's last call: its session state is lost. Returned
   * once.
   */
  Restarted = 10,
  /** The other side's record or buffer is not mapped or too small. */
  PeerFault = 11,
  /** reply: the token names no call that this domain holds, or holds any longer. */
  Gone = 12,
  /** The domain's quota of pages does not allow it. */
  NoMemory = 13,
  /** The domain's handle table, or another table with a limit, is full. */
  NoSpace = 14,
  /** The receiver has no room for the arena or the handles. */
  TooLong = 15,
  /** The call would close a ring of waiting threads. */
  Deadlock = 16,
  /** The chain of lent priorities would be longer than 8. */
  TooDeep = 17,
  /** Long work is not finished: call `step` again. */
  Again = 18,
  /** The header names a system call, method or flag that does not exist, or sets reserved bits. */
  BadHeader = 19,
  /** The two sides have different versions of the ABI or the interface. */
  BadVersion = 20,
  Busy = 21,
  NotFound = 22,
  /** The message is not of the handle's interface. */
  WrongInterface = 23,
  /** The server replied with an error of its interface; word 0 is the error's number. */
  ErrorReply = 24,
  /** The message does not have the structure that its interface declares. */
  Malformed = 25,
  /** The record, or an address in it, is not the caller's readable and writable memory. */
  BadAddress = 26,
  /** The memory object is sealed, or still writable where it must be sealed. */
  Sealed = 27,
  /** The program's code needs what the processor lacks: the kernel's log names it. */
  Unsupported = 28,
}
