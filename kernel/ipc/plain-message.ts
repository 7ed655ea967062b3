// The structure check for what nearly every message is: a few unsigned words in registers.

import { FIELD_BYTES, FIELD_KIND, FIELD_MAX, FieldKind, METHOD_FIRST_FIELD, METHOD_REQUEST_FIELDS, METHOD_REQUEST_HANDLES, METHOD_REQUEST_WORDS, METHOD_RESPONSE_HANDLES, METHOD_RESPONSE_WORDS } from "../abi/blob";
import { Event } from "../abi/event";
import { fieldEntry } from "../monitor/sections";

/**
 * Whether a message of words in registers, without handles and arena, has the structure of `shape`, found out quickly: false also where
 * the monitor's `checkShape` would have to look closer.
 */
export function fitsPlainly(event: Event, shape: usize, words: u32, word0: u64, word1: u64, word2: u64, word3: u64): bool {
  const isRequest = event === Event.Request;
  // Word and handle counts stand side by side, so one load compares both.
  if (words !== load<u32>(shape + (isRequest ? METHOD_REQUEST_WORDS : METHOD_RESPONSE_WORDS))) return false;
  if (words === 0) return true;
  const skipped: u32 = isRequest ? 0 : load<u32>(shape + METHOD_REQUEST_FIELDS);
  const field = fieldEntry(load<u32>(shape + METHOD_FIRST_FIELD) + skipped);
  if (!isUnsignedWithin(field, word0)) return false;
  if (words > 1 && !isUnsignedWithin(field + FIELD_BYTES, word1)) return false;
  if (words > 2 && !isUnsignedWithin(field + 2 * FIELD_BYTES, word2)) return false;
  return words < 4 || isUnsignedWithin(field + 3 * FIELD_BYTES, word3);
}

function isUnsignedWithin(field: usize, value: u64): bool {
  return load<u32>(field + FIELD_KIND) === FieldKind.Unsigned && value <= load<u64>(field + FIELD_MAX);
}

if (METHOD_REQUEST_HANDLES !== METHOD_REQUEST_WORDS + 2 || METHOD_RESPONSE_HANDLES !== METHOD_RESPONSE_WORDS + 2) ERROR("fitsPlainly loads both counts at once");
