/// <reference path="./collector-builtins.d.ts" />
// Memory of objects in a program that makes objects while it serves: marked from the module's variables, swept, given back.
//
// It keeps asc's header, its allocator and its visitors, and takes the place of asc's own collector (`--runtime minimal`), which
// does not say how much has been made since it ran last. The compiler binds these functions to asc's names, and refuses programs
// that could hide a reference from them (toolchain/compiler/hidden-references.ts).

/** Right below an object's first byte; asc lays it out. */
@unmanaged
@final
class Header {
  /** Bytes of the allocator's block; its two low bits are the allocator's. */
  block: usize;
  /** The object made before this one. Null in static data too, which is in no list. */
  older: Header | null;
  /** While a collection runs: the object marked next, of the last one LAST. Null: not marked. */
  next: Header | null;
  classId: u32;
  bytes: u32;
}

const HEADER_BYTES: usize = 20;
/** The part of the header that lies in the allocator's block. */
const OBJECT_BYTES: usize = 16;
const BLOCK_BYTES: usize = 4;
const OBJECT_BYTES_MAX: usize = (1 << 30) - 64;
/** What asc's visitors hand through to `visit`; there is one kind of visit. */
const COOKIE: u32 = 0;
/** Below this much, a collection would cost more than it gives back. */
const COLLECT_AFTER_BYTES: usize = 65536;

/** Stands behind the last marked object. */
const LAST = changetype<Header>(memory.data(offsetof<Header>(), 16));

let newest: Header | null = null;
let firstMarked: Header | null = null;
let lastMarked: Header | null = null;
let livedBytes: usize = 0;
let newBytes: usize = 0;
let collections: u32 = 0;
/** In tests: a collection wherever one may be, and freed memory is overwritten. */
let isStressed = false;

/** asc's `__new`: memory for an object; what is in it, asc's code sets. */
export function newObject(bytes: usize, classId: u32): usize {
  assert(bytes <= OBJECT_BYTES_MAX, "an object is larger than 1 GiB");
  const object = heap.alloc(OBJECT_BYTES + bytes) + OBJECT_BYTES;
  const header = headerOf(object);
  header.older = newest;
  header.next = null;
  header.classId = classId;
  header.bytes = <u32>bytes;
  newest = header;
  newBytes += heldBytes(header);
  return object;
}

/**
 * asc's `__renew`: the same object where it has the room, else a new one with its contents. The old
 * one is garbage if nobody keeps it.
 */
export function resizeObject(object: usize, bytes: usize): usize {
  const header = headerOf(object);
  const isStatic = object < __heap_base;
  if (!isStatic && OBJECT_BYTES + bytes <= heldBytes(header) - BLOCK_BYTES) {
    header.bytes = <u32>bytes;
    return object;
  }
  const larger = newObject(bytes, header.classId);
  memory.copy(larger, object, min(bytes, <usize>header.bytes));
  return larger;
}

/** asc's `__link`, for collectors that run between two instructions. */
export function linkObject(_parent: usize, _child: usize, _isMultiple: bool): void {}

/** asc's `__visit`: marks an object that something refers to. */
export function visitObject(object: usize, _cookie: u32): void {
  if (object === 0) return;
  const header = headerOf(object);
  if (header.next !== null) return;
  header.next = LAST;
  const last = lastMarked;
  if (last === null) firstMarked = header;
  else last.next = header;
  lastMarked = header;
}

/** asc's `__pin` and `__unpin`: no program needs them, and the compiler refuses them. */
export function pinObject(_object: usize): usize {
  unreachable();
  return 0;
}
export function unpinObject(_object: usize): void {
  unreachable();
}

/**
 * Frees the objects that no variable of a module leads to. The caller holds no reference in a local
 * variable, and neither does its caller: the compiler refuses the program otherwise. The time it
 * takes grows with the objects made: those that live and those that are freed
 * (toolchain/compiler/collection-pause.ts has the figures).
 */
export function collect(): void {
  __visit_globals(COOKIE);
  let header = firstMarked;
  while (header !== null && header !== LAST) {
    __visit_members(changetype<usize>(header) + HEADER_BYTES, COOKIE);
    header = header.next;
  }
  sweep();
  unmark();
  newBytes = 0;
  collections++;
}

/**
 * Collects if as much as lived has been made since the last time, and not less than
 * COLLECT_AFTER_BYTES.
 */
export function collectIfDue(): void {
  if (newBytes > max(COLLECT_AFTER_BYTES, livedBytes) || isStressed) collect();
}

/** Collections so far, for figures and tests. */
export function collectionCount(): u32 {
  return collections;
}
/** Bytes that lived after the last collection. */
export function livedByteCount(): u32 {
  return <u32>livedBytes;
}
/** For tests: collect wherever a collection may be, and overwrite what is freed. */
export function stressCollector(): void {
  isStressed = true;
}

function sweep(): void {
  let kept: Header | null = null;
  let header = newest;
  livedBytes = 0;
  while (header !== null) {
    const older = header.older;
    if (header.next !== null) {
      livedBytes += heldBytes(header);
      kept = header;
    } else {
      if (kept === null) newest = older;
      else kept.older = older;
      if (isStressed) memory.fill(changetype<usize>(header) + HEADER_BYTES, 0xdb, header.bytes);
      heap.free(changetype<usize>(header) + BLOCK_BYTES);
    }
    header = older;
  }
}

function unmark(): void {
  let header = firstMarked;
  while (header !== null && header !== LAST) {
    const next = header.next;
    header.next = null;
    header = next;
  }
  firstMarked = null;
  lastMarked = null;
}

function headerOf(object: usize): Header {
  return changetype<Header>(object - HEADER_BYTES);
}

function heldBytes(header: Header): usize {
  return (header.block & ~3) + BLOCK_BYTES;
}
