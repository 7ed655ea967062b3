/// <reference path="./collector-builtins.d.ts" />
// Memory of objects in a program that makes objects while it serves: marked from the module's
// variables, swept, given back.
//
// It keeps asc's header, its allocator and its visitors, and takes the place of asc's own collector
// (`--runtime minimal`), which does not say how much has been made since it ran last. The compiler
// binds these functions to asc's names, and refuses programs that could hide a reference from them
// (toolchain/compiler/hidden-references.ts).

/** The bytes before an object. The layout is asc's. */
@unmanaged
@final
class Header {
  /** Size of the allocator's block in bytes. The two low bits belong to the allocator. */
  block: usize;
  /** The object made before this one. Null for the first one, and for static data. */
  older: Header | null;
  /** During a collection, the object marked after this one, or LAST. Null if not marked. */
  next: Header | null;
  classId: u32;
  bytes: u32;
}

const HEADER_BYTES: usize = 20;
/** The part of the header inside the allocator's block. */
const OBJECT_BYTES: usize = 16;
const BLOCK_BYTES: usize = 4;
const OBJECT_BYTES_MAX: usize = (1 << 30) - 64;
/** asc's visitors pass this to `visit`. There is only one kind of visit. */
const COOKIE: u32 = 0;
/** Below this amount a collection would cost more than it frees. */
const COLLECT_AFTER_BYTES: usize = 65536;

/** The `next` of the last marked object. */
const LAST = changetype<Header>(memory.data(offsetof<Header>(), 16));

let newest: Header | null = null;
let firstMarked: Header | null = null;
let lastMarked: Header | null = null;
let livedBytes: usize = 0;
let newBytes: usize = 0;
let collections: u32 = 0;
/** In tests: collect at every opportunity, and overwrite freed memory. */
let isStressed = false;

/** asc's `__new`: allocates an object. asc's code then initializes it. */
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
 * asc's `__renew`: returns the object if its block is large enough, else a larger copy. The old
 * object is garbage unless something still refers to it.
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

/** asc's `__link`, which only collectors that can run at any instruction need. */
export function linkObject(_parent: usize, _child: usize, _isMultiple: bool): void {}

/** asc's `__visit`: marks an object that is referred to. */
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

/** asc's `__pin` and `__unpin`. The compiler refuses programs that use them. */
export function pinObject(_object: usize): usize {
  unreachable();
  return 0;
}
export function unpinObject(_object: usize): void {
  unreachable();
}

/**
 * Frees the objects that cannot be reached from a module's variables. Neither the caller nor its
 * callers hold a reference in a local variable: the compiler refuses programs that do. The time
 * grows with the number of objects, living and freed (figures:
 * toolchain/compiler/collection-pause.ts).
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
 * Collects if the objects made since the last collection take more bytes than those that survived
 * it, and more than COLLECT_AFTER_BYTES.
 */
export function collectIfDue(): void {
  if (newBytes > max(COLLECT_AFTER_BYTES, livedBytes) || isStressed) collect();
}

/** Collections so far, for figures and tests. */
export function collectionCount(): u32 {
  return collections;
}
/** Bytes of the objects that survived the last collection. */
export function livedByteCount(): u32 {
  return <u32>livedBytes;
}
/** For tests: collect at every opportunity, and overwrite freed memory. */
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
