import { slots, system } from "../../../build/generated/programs/shell";
import { addSlotName } from "../output/names";
import { bold, endLine, line, printLine } from "../output/print";
import { Words } from "../line/words";

const AMOUNT_COLUMN: u32 = 16;

export function memoryUse(_words: Words): void {
  const memory = system.memory();
  if (!memory.ok) return printLine("the kernel does not answer");
  const total = memory.totalPages;
  const free = memory.freePages;
  showLine("machine", total);
  showLine("free", free);
  showLine("kernel", memory.kernelPages);
  showLine("boot image", memory.imagePages);

  bold("domains");
  endLine();
  const count = slots.count().count;
  for (let slot: u32 = 0; slot < count; slot++) {
    const found = slots.describe(slot);
    const pages = found.pagesUsed;
    const quota = found.pagesQuota;
    if (!found.ok || pages === 0) continue;
    line.string("  ");
    addSlotName(slot, line).padTo(AMOUNT_COLUMN).memory(pages).string(" of ").memory(quota);
    endLine();
  }
}

function showLine(name: string, pages: u64): void {
  line.string(name).padTo(AMOUNT_COLUMN).memory(pages);
  endLine();
}
