// The kernel as it is, with two bugs planted that no kernel may have: on request it follows an address of a program's, or jumps to one.
// SMAP and SMEP are the fences behind such bugs, so without them there is nothing that an attack could show. Each bug is there only if
// the command line asks for it; without, this is the kernel.

import { Status } from "../../kernel/abi/status";
import { SystemCall } from "../../kernel/abi/system-call";
import { systemCall as enterKernel } from "../../kernel/main";
import { currentThread } from "../../kernel/schedule/scheduler";
import { commandLineHas } from "../../kernel/x64/memory-map";
import { loadPhysical64 } from "../../kernel/x64/physical-memory";
import { callAddress } from "../boot/planted";
import { PLANTED_HANDLE, Plant } from "./plant";

export { abort, currentSaveArea, fault, interrupt, kernelException, start } from "../../kernel/main";

/** Distance from the direct map to address 0, by which a wrong physical address reaches the user half. */
const WRAP: u64 = 0x8000_0000_0000;

export function systemCall(operation: u32): void {
  const thread = currentThread!;
  if (operation !== <u32>SystemCall.Call || thread.rdi !== <u64>PLANTED_HANDLE || !isPlanted(<u32>thread.rbx)) {
    enterKernel(operation);
    return;
  }
  if (thread.rbx === <u64>Plant.Read) thread.rbx = loadPhysical64(WRAP + thread.r12);
  if (thread.rbx === <u64>Plant.Run) thread.rbx = callAddress(thread.r12);
  thread.rax = Status.Ok;
}

function isPlanted(plant: u32): bool {
  switch (plant) {
    case Plant.Read: return commandLineHas("plant=read");
    case Plant.Run: return commandLineHas("plant=run");
    case Plant.OnlyReset: return commandLineHas("only=reset");
    default: return false;
  }
}
