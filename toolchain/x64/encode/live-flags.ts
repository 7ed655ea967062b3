import type { MachineFunction } from "../machine/machine-function.ts";
import { readsFlags, writesFlags } from "../machine/machine-op.ts";

/**
 * For each instruction, 1 if an instruction reads the flags that stand before it. Flags never live
 * from one block into the next.
 */
export function findLiveFlags({ instructions, blocks }: MachineFunction): Uint8Array {
  const live = new Uint8Array(instructions.length + 1);
  for (const block of blocks) {
    let isLive = 0;
    for (let i = block.end - 1; i >= block.start; i--) {
      const { op } = instructions[i]!;
      if (readsFlags(op)) isLive = 1;
      else if (writesFlags(op)) isLive = 0;
      live[i] = isLive;
    }
  }
  return live;
}
