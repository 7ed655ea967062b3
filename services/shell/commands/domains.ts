import { SlotsDescribeState } from "../../../build/generated/interfaces/Slots";
import { policy, slots } from "../../../build/generated/programs/shell";
import { PolicyInfoSigner } from "../../../build/generated/interfaces/Policy";
import { keep } from "../../runtime/message";
import { addClassName, addSlotName } from "../output/names";
import { bold, dim, endLine, green, line, printLine, red } from "../output/print";
import { Words } from "../line/words";

export function domains(_words: Words): void {
  const count = slots.count();
  if (!count.ok) return printLine("the kernel does not answer");
  const slotCount = count.count;

  bold("  #  NAME        CLASS       STATE    MEMORY   RESTARTS  CPU TIME  CODE");
  endLine();
  for (let slot: u32 = 0; slot < slotCount; slot++) show(slot);

  const info = policy.info();
  if (info.ok && info.signer === PolicyInfoSigner.Development) {
    dim("The image is development-signed.");
    endLine();
  }
}

function show(slot: u32): void {
  const found = keep(slots.describe(slot));
  line.numberIn(3, slot).string("  ");
  addSlotName(slot, line).padTo(17);
  addClassName(found.classId, line).padTo(29);
  addState(found.state);
  line
    .padTo(38)
    .memory(found.pagesUsed)
    .padTo(47)
    .number(found.starts > 0 ? found.starts - 1 : 0)
    .padTo(57)
    .duration(found.consumedNs)
    .padTo(67);
  if (found.verified) line.string("verified");
  else red("unverified");
  endLine();
}

function addState(state: SlotsDescribeState): void {
  switch (state) {
    case SlotsDescribeState.Empty:
      dim("down");
      break;
    case SlotsDescribeState.Running:
      green("running");
      break;
    case SlotsDescribeState.Faulted:
      red("faulted");
      break;
    default:
      line.string("stopping");
  }
}
