// The kernel as it is, with two bugs planted that no kernel may have: on request it follows an
// address of a program's, or jumps to one. SMAP and SMEP are the fences behind such bugs, so
// without them there is nothing that an attack could show. Each bug is there only if the command
// line asks for it; without, this is the kernel.

import { Status } from "../../kernel/abi/status";
import { SystemCall } from "../../kernel/abi/system-call";
import { systemCall as enterKernel } from "../../kernel/entry/main";
import { currentThread } from "../../kernel/schedule/scheduler";
import { commandLineHas } from "../../kernel/x64/memory-map";
import { loadPhysical64 } from "../../kernel/x64/physical-memory";
import { callAddress } from "../boot/planted";
import { PLANTED_HANDLE, Plant } from "./plant";

export {
  abort,
  currentSaveArea,
  fastCall,
  fastRecv,
  fastReply,
  fault,
  interrupt,
  kernelException,
  start,
} from "../../kernel/entry/main";

/**
 * Distance from the direct map to address 0, by which a wrong physical address reaches the user
 * half.
 */
const WRAP: u64 = 0x8000_0000_0000;

export function systemCall(operation: u32): void {
  const thread = currentThread!;
  if (
    operation !== <u32>SystemCall.Call ||
    thread.rdi !== <u64>PLANTED_HANDLE ||
    !isPlanted(<u32>thread.rbx)
  ) {
    enterKernel(operation);
    return;
  }
  switch (<u32>thread.rbx) {
    case Plant.Read:
      thread.rbx = loadPhysical64(WRAP + thread.r12);
      break;
    case Plant.Run:
      thread.rbx = callAddress(thread.r12);
      break;
    default:
      thread.rbx = <u64>firstAttempt();
  }
  thread.rax = Status.Ok;
}

function isPlanted(plant: u32): bool {
  switch (plant) {
    case Plant.Read:
      return commandLineHas("plant=read");
    case Plant.Run:
      return commandLineHas("plant=run");
    default:
      return plant === <u32>Plant.First;
  }
}

/** The command line has a word for each bit of the number that is set. */
function firstAttempt(): u32 {
  let first: u32 = 0;
  if (commandLineHas("first=one")) first += 1;
  if (commandLineHas("first=two")) first += 2;
  if (commandLineHas("first=four")) first += 4;
  if (commandLineHas("first=eight")) first += 8;
  if (commandLineHas("first=sixteen")) first += 16;
  if (commandLineHas("first=thirty-two")) first += 32;
  if (commandLineHas("first=sixty-four")) first += 64;
  return first;
}
