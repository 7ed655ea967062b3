// Revoking: everything that descends from a handle goes, in steps that are all short.

import { domainOfSlot } from "../object/domain";
import { HandleEntry } from "../object/handle-entry";
import { inheritedMapping } from "../memory/mappings";
import { TREE_STEP, isMemoryHandle, removeHandle } from "./table";
import { moveHandle } from "./tree";
import { unmapStep } from "./unmap";

/**
 * Removes handles that descend from `root`, and ends the mappings made by them. The children of a
 * handle move up to `root` before the handle goes, so that every step is short. True when nothing
 * descends from `root` any more.
 */
export function revokeStep(root: HandleEntry): bool {
  for (let done: u32 = 0; done < TREE_STEP; done++) {
    const child = root.firstChild;
    if (child === null) return !isMemoryHandle(root) || unmapInherited(root);
    const grandchild = child.firstChild;
    if (grandchild !== null) {
      moveHandle(grandchild, root);
      continue;
    }
    const mapping = isMemoryHandle(child) ? child.firstMapping : null;
    if (mapping !== null) {
      child.rights = 0; // Else its holder could map as fast as these steps unmap.
      unmapStep(domainOfSlot(mapping.owner), mapping);
      return false;
    }
    removeHandle(child);
  }
  return false;
}

/**
 * Takes a step of ending the mappings that `root` inherited from dropped descendants; true when
 * there are none.
 */
function unmapInherited(root: HandleEntry): bool {
  const mapping = inheritedMapping(root);
  if (mapping === null) return true;
  unmapStep(domainOfSlot(mapping.owner), mapping);
  return false;
}
