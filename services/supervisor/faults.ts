import { FaultError, FaultServer } from "../../build/generated/interfaces/Fault";
import { Slots } from "./slots";

/** Receives the faults of all slots from the kernel. Each ends its domain: none can be repaired. */
@final
export class Faults extends FaultServer {
  constructor(private readonly slots: Slots) {
    super();
  }

  fault(
    slot: u32,
    _thread: u32,
    kind: u32,
    _errorCode: u32,
    address: u64,
    instruction: u64,
    _stack: u64,
  ): u32 {
    this.slots.faulted(slot, kind, address, this.slots.symbols.asker(slot, instruction));
    return FaultError.EndDomain;
  }
}
