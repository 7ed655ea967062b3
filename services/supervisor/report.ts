import { log, slots as kernelSlots } from "../../build/generated/programs/supervisor";
import { faultName } from "../../kernel/abi/fault";
import { statusName } from "../runtime/status-name";
import { Text } from "../runtime/text";
import { Symbols } from "./symbols";

/** Lines in the kernel's log, which are seen even if the console has failed. */
@final
export class Report {
  private readonly line: Text = Text.withRoom(256);

  constructor(private readonly symbols: Symbols) {}

  faulted(slot: u32, kind: u32, address: u64, instruction: u64): void {
    const place = this.symbols.at(slot, instruction);
    this.begin(slot).string(faultName(kind)).string(" at ").hex(address);
    if (place.isEmpty) this.line.string(", instruction ").hex(instruction);
    else this.line.string(", in ").text(place);
    log.write(this.line);
  }

  refused(slot: u32, status: u32): void {
    this.begin(slot).string("not started: ").string(statusName(status));
    log.write(this.line);
  }

  private begin(slot: u32): Text {
    this.line.clear();
    const name = kernelSlots.name(slot);
    if (name.ok) this.line.text(name.text);
    else this.line.string("slot ").number(slot);
    return this.line.string(": ");
  }
}
