// The kernel as it is, but for a bug that the first interrupt after a non-maskable one brings out.

import { interrupt as enterInterrupt } from "../../kernel/entry/main";
import { nonMaskableCount } from "../../kernel/x64/assembly";
import { panic } from "../../kernel/x64/panic";

export {
  abort,
  currentSaveArea,
  fastCall,
  fastRecv,
  fastReply,
  fault,
  kernelException,
  start,
  systemCall,
} from "../../kernel/entry/main";

export function interrupt(vector: u32): void {
  if (nonMaskableCount() !== 0) panic("the planted bug");
  enterInterrupt(vector);
}
