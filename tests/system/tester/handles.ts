import {
  HANDLE_INDEX_DOMAIN,
  HANDLE_INDEX_FIRST_NAMED,
  HANDLE_INDEX_INBOX,
  HANDLE_INDEX_THREAD,
} from "../../../kernel/abi/system-call";
import { initialHandle } from "../message";

// The tester's initial handles, in the order of its manifest.
export const DOMAIN = initialHandle(HANDLE_INDEX_DOMAIN);
export const INBOX = initialHandle(HANDLE_INDEX_INBOX);
export const THREAD = initialHandle(HANDLE_INDEX_THREAD);
export const OWN = initialHandle(HANDLE_INDEX_FIRST_NAMED);
export const PEER = initialHandle(HANDLE_INDEX_FIRST_NAMED + 1);
export const OTHER = initialHandle(HANDLE_INDEX_FIRST_NAMED + 2);
export const LOG = initialHandle(HANDLE_INDEX_FIRST_NAMED + 3);
export const CLOCK = initialHandle(HANDLE_INDEX_FIRST_NAMED + 4);
export const SLOTS = initialHandle(HANDLE_INDEX_FIRST_NAMED + 5);
export const AUDIT = initialHandle(HANDLE_INDEX_FIRST_NAMED + 6);
export const POLICY = initialHandle(HANDLE_INDEX_FIRST_NAMED + 7);
export const TRACE = initialHandle(HANDLE_INDEX_FIRST_NAMED + 8);
export const SYSTEM = initialHandle(HANDLE_INDEX_FIRST_NAMED + 9);

// Slots of the image.
export const TESTER_SLOT: u32 = 0;
export const PEER_SLOT: u32 = 1;
export const OTHER_SLOT: u32 = 2;
export const MODERN_SLOT: u32 = 3;

/** Bit of the tester's inbox by which the kernel says that a slot changed. */
export const SLOT_CHANGED: u64 = 0x8000000000000000;
