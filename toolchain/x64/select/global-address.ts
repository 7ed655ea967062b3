import { GLOBALS_SYMBOL } from "../../ir/machine-code.ts";
import type { IrModule } from "../../ir/module.ts";
import { type Address, NO_ADDRESS, symbolAddress } from "../machine/instruction-builder.ts";

/**
 * Where the mutable global `index` lives: 8 bytes in the section of globals, or behind fs in the
 * thread's own block.
 */
export function globalAddress(module: IrModule, index: number): Address {
  const { threadLocal } = module.globals[index]!;
  let rank = 0;
  for (let i = 0; i < index; i++) {
    const other = module.globals[i]!;
    if (other.mutable && other.threadLocal === threadLocal) rank++;
  }
  return threadLocal
    ? { ...NO_ADDRESS, threadBlock: true, displacement: 8 * rank }
    : symbolAddress(GLOBALS_SYMBOL, 8 * rank);
}
