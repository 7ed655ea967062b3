// Ends with a number made of counts of bits: x86-64-v1 would take the instructions behind them for
// others, and the number would be another.

import { ObjectType } from "../../../kernel/abi/object";
import { HANDLE_INDEX_DOMAIN } from "../../../kernel/abi/system-call";
import { initialHandle, request1 } from "../message";

/** In memory, so that no compiler knows them. */
const VALUES: StaticArray<u32> = [0, 1, 0xf0, 0x80000000];
const EXIT: u32 = 1;

export function main(): void {
  let code: u32 = 0;
  for (let i = 0; i < VALUES.length; i++) {
    code += clz(VALUES[i]) + 100 * ctz(VALUES[i]) + 10_000 * popcnt(VALUES[i]);
  }
  request1(initialHandle(HANDLE_INDEX_DOMAIN), ObjectType.Domain, EXIT, code);
}
