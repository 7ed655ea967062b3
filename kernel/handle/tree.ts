// The inheritance tree: a handle made from another is its child; root handles have no parent and
// hang on the object itself.

import { HandleEntry } from "../object/handle-entry";
import { KernelObject } from "../object/kernel-object";

/** Adds an entry before its siblings. `parent` is null for a root handle. */
export function linkHandle(
  entry: HandleEntry,
  object: KernelObject,
  parent: HandleEntry | null,
): void {
  const first = parent === null ? object.firstHandle : parent.firstChild;
  entry.parent = parent;
  entry.previous = null;
  entry.next = first;
  if (first !== null) first.previous = entry;
  if (parent === null) object.firstHandle = entry;
  else parent.firstChild = entry;
}

export function unlinkHandle(entry: HandleEntry): void {
  const next = entry.next;
  const previous = entry.previous;
  const parent = entry.parent;
  if (next !== null) next.previous = previous;
  if (previous !== null) previous.next = next;
  else if (parent !== null) parent.firstChild = next;
  else entry.object!.firstHandle = next;
  entry.parent = null;
  entry.next = null;
  entry.previous = null;
}

/** Moves an entry, with all that descends from it, to another parent of the same object. */
export function moveHandle(entry: HandleEntry, parent: HandleEntry | null): void {
  const object = entry.object!;
  assert(parent === null || parent.object === object);
  unlinkHandle(entry);
  linkHandle(entry, object, parent);
}
