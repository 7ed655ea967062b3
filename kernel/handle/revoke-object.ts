import { KernelObject } from "../object/kernel-object";
import { TREE_STEP, removeHandle } from "./table";
import { moveHandle } from "./tree";

/**
 * Removes, in all domains, handles to an object without mappings. One step; true when none are
 * left.
 */
export function revokeObjectStep(object: KernelObject): bool {
  for (let done: u32 = 0; done < TREE_STEP; done++) {
    const entry = object.firstHandle;
    if (entry === null) return true;
    const child = entry.firstChild;
    if (child !== null) moveHandle(child, null);
    else removeHandle(entry);
  }
  return object.firstHandle === null;
}
