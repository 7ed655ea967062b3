/** Why a blob was refused, in the order in which the kernel looks. */
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
}
