// The signed blob: image description, interface layouts and policy of one system. Little-endian, sections aligned to 8.
// Fixed offsets here; the rule program's own format is described in policy/blob.md. Everything before BLOB_SIGNED_END is covered by the signature.

/** "TRINEBLB" */
export const BLOB_MAGIC_LOW = 0x4e495254;
export const BLOB_MAGIC_HIGH = 0x424c4245;
export const BLOB_FORMAT_VERSION = 1;

// Header, 128 bytes.
export const BLOB_MAGIC = 0;
/** u32 */
export const BLOB_FORMAT = 8;
/** u32: bytes of the whole blob, signature included. */
export const BLOB_BYTES = 12;
/** u64: policy version, for anti-rollback. */
export const BLOB_POLICY_VERSION = 16;
/** u32: purpose of the key that signed (KeyPurpose). */
export const BLOB_KEY_PURPOSE = 24;
/** u32: number of sections. */
export const BLOB_SECTION_COUNT = 28;
/** 32 bytes: SHA-256 over the names and digests of the image's programs, so that a blob of another image is refused. */
export const BLOB_IMAGE_DIGEST = 32;
/** 32 bytes: the public key that signed. Must be in the kernel's ring with that purpose. */
export const BLOB_PUBLIC_KEY = 64;
export const BLOB_HEADER_BYTES = 128;
/** Section table follows the header: entries of 16 bytes {u32 kind, u32 offset, u32 bytes, u32 count}, ascending by kind. */
export const BLOB_SECTION_BYTES = 16;
/** The last 64 bytes: Ed25519 signature over everything before. */
export const BLOB_SIGNATURE_BYTES = 64;

export enum BlobSection {
  /** SLOT_BYTES each. */
  Slots = 1,
  /** CHANNEL_BYTES each: the initial handles of all slots, grouped by slot, in handle order. */
  Handles = 2,
  /** PROGRAM_BYTES each. */
  Programs = 3,
  Classes = 4,
  Interfaces = 5,
  Methods = 6,
  Fields = 7,
  Rules = 8,
  RuleProgram = 9,
  /** UTF-8, each name zero-terminated; names are offsets into it. */
  Strings = 10,
  /** EXECUTE_BYTES each: which digest may run as which class. */
  Execute = 11,
}

export enum KeyPurpose {
  None = 0,
  Development = 1,
  Release = 2,
}

// A slot, 64 bytes.
export const SLOT_NAME = 0; // u32 string
export const SLOT_CLASS = 4; // u32 class id
export const SLOT_PROGRAM = 8; // u32 index
export const SLOT_PRIORITY = 12; // u32
export const SLOT_CEILING = 16; // u32
export const SLOT_QUOTA_PAGES = 20; // u32
export const SLOT_QUOTA_HANDLES = 24; // u32
export const SLOT_QUOTA_THREADS = 28; // u32
export const SLOT_QUOTA_OBJECTS = 32; // u32
export const SLOT_RESTART = 36; // u32: 0 never, 1 onFault, 2 always
export const SLOT_FLAGS = 40; // u32: SLOT_FLAG_*
export const SLOT_FAULT_SLOT = 44; // u32 slot, 0xffffffff none
export const SLOT_FAULT_ENDPOINT = 48; // u32: which of that slot's endpoints
export const SLOT_FIRST_HANDLE = 52; // u32 index into Handles
export const SLOT_HANDLE_COUNT = 56; // u32
export const SLOT_BYTES = 64;
export const SLOT_FLAG_AUTOSTART = 1;

// An initial handle, 48 bytes.
export const CHANNEL_TYPE = 0; // u32 ObjectType
export const CHANNEL_RIGHTS = 4; // u32
export const CHANNEL_INTERFACE = 8; // u32 interface id (endpoints)
export const CHANNEL_TARGET_SLOT = 12; // u32 (endpoints): the owner
export const CHANNEL_TARGET_ENDPOINT = 16; // u32 (endpoints): which of the owner's, from 0
export const CHANNEL_NAME = 20; // u32 string
export const CHANNEL_BADGE = 24; // u64
export const CHANNEL_FIRST = 32; // u32: first port, or interrupt line
export const CHANNEL_COUNT = 36; // u32: ports
export const CHANNEL_CLASS = 40; // u32: class id of a kernel object
export const CHANNEL_BYTES = 48;

// A program, 64 bytes.
export const PROGRAM_NAME = 0; // u32 string
export const PROGRAM_FLAGS = 4; // u32: PROGRAM_FLAG_*
export const PROGRAM_DIGEST = 8; // 32 bytes: SHA-256 of the ELF file, zero-padded to whole pages
export const PROGRAM_BYTES = 64;
/** The machine-code verifier passed it. */
export const PROGRAM_FLAG_VERIFIED = 1;

// An execute grant, 16 bytes: class, program.
export const EXECUTE_CLASS = 0;
export const EXECUTE_PROGRAM = 4;
export const EXECUTE_RULE = 8;
export const EXECUTE_BYTES = 16;
