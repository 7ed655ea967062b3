/**
 * Why a blob was refused; `verifyStructure` (kernel/monitor/blob/blob.ts) has the order in which the
 * kernel looks.
 */
export enum BlobError {
  None = 0,
  /** Shorter than it says, or than a header. */
  Truncated = 1,
  BadMagic = 2,
  /** A format version that this kernel does not know. */
  BadFormat = 3,
  /** More than BLOB_BYTES_MAX. */
  TooLarge = 4,
  /** The key that signed is not in the kernel's ring. */
  UnknownKey = 5,
  /** The key is in the ring for another purpose. */
  WrongPurpose = 6,
  BadSignature = 7,
  /** A version below the one in force, or below the kernel's floor. */
  OldVersion = 8,
  /** Signed, but its sections, numbers or names do not hold together. */
  BadStructure = 9,
  /** Its slots' quotas add up to more threads or objects than the kernel's tables hold. */
  Oversubscribed = 12,
  /** A decision could take more than COST_MAX instructions. */
  TooCostly = 10,
  /** Its programs are not those of the image that was booted. */
  WrongImage = 11,
  /**
   * Two of its classes, interfaces, programs or slots have one name, or two methods of an
   * interface, fields of a message, handles of a slot.
   */
  DuplicateName = 13,
  /**
   * What it says of the kernel's own interfaces and classes is not what this kernel was built with.
   */
  OtherInterfaces = 14,
  /** A slot starts with a handle that has more rights than an image gives out for its kind. */
  ExcessRights = 15,
  /** It gives away ports or an interrupt line that the machine runs on. */
  MachineDevice = 16,
  /** It gives one port or interrupt line away twice. */
  SharedDevice = 17,
  /** No rule lets a slot's class run the slot's program. */
  NoExecuteRule = 18,
  /**
   * A slot's quota is too small for its program to start, or its threads' stacks do not fit beside
   * the program's code.
   */
  UnfitProgram = 19,
  /** A slot's program is no executable that this kernel can read. */
  UnreadableProgram = 20,
}
