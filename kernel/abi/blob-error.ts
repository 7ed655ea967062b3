/**
 * Why a blob was refused. `verifyStructure` (kernel/monitor/blob/blob.ts) has the order of the
 * kernel's checks.
 */
export enum BlobError {
  None = 0,
  /** Shorter than its header says, or than a header. */
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
  /** Signed, but its sections, numbers or names are inconsistent. */
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
  /** Its description of the kernel's interfaces and classes differs from this kernel's. */
  OtherInterfaces = 14,
  /** A slot starts with a handle that has more rights than an image may grant for its type. */
  ExcessRights = 15,
  /** It grants ports or an interrupt line that the machine itself needs. */
  MachineDevice = 16,
  /** It grants one port or interrupt line twice. */
  SharedDevice = 17,
  /** No rule allows a slot's class to run the slot's program. */
  NoExecuteRule = 18,
  /**
   * A slot's quota is too small for its program to start, or its threads' stacks do not fit beside
   * the program's code.
   */
  UnfitProgram = 19,
  /** A slot's program is not an executable that this kernel accepts. */
  UnreadableProgram = 20,
}
