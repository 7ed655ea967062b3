import { RIGHT_SEAL } from "../abi/object";
import { Permission } from "../abi/permission";
import { Status } from "../abi/status";
import { frameAddress } from "../memory/frames";
import { frameOfPage } from "../memory/memory-pages";
import {
  SHA256_CONTEXT_BYTES,
  judgePermission,
  sha256Begin,
  sha256End,
  sha256Update,
} from "../monitor/monitor";
import { hasRights } from "../handle/table";
import { FRAME_NUMBERS_OFFSET, MEASURE_OFFSET, MemoryObject } from "../object/memory-object";
import { copyIn } from "../x64/physical-memory";
import { calledHandle, callingDomain, give, giveBool } from "./method-frame";

export function memoryMethod(method: u32): Status {
  const memory = changetype<MemoryObject>(calledHandle().object!);
  switch (method) {
    case 0:
      return info(memory);
    case 1:
      return seal(memory);
    default:
      return measure(memory);
  }
}

function info(memory: MemoryObject): Status {
  give((<u64>memory.pages) << 12);
  giveBool(memory.sealed);
  giveBool(memory.measured);
  return Status.Ok;
}

function seal(memory: MemoryObject): Status {
  const entry = calledHandle();
  if (!hasRights(entry, RIGHT_SEAL)) return Status.NoRight;
  if (memory.writableMappings !== 0) return Status.Busy;
  const domain = callingDomain();
  const verdict = <Status>(
    judgePermission(domain.slot, domain.classId, entry.classId, Permission.Seal)
  );
  if (verdict !== Status.Ok) return verdict;
  memory.sealed = true;
  return Status.Ok;
}

// Measuring: the running state is the object's own.
const block: usize = memory.data(128, 8);
const digest: usize = memory.data(32, 8);
/** Two blocks: a step stays below 8,000 instructions. */
const STEP_BYTES: u32 = 128;

function measure(object: MemoryObject): Status {
  if (!object.sealed) return Status.Sealed;
  if (!object.measured && !measureStep(object)) return Status.Again;
  give(object.digest0);
  give(object.digest1);
  give(object.digest2);
  give(object.digest3);
  return Status.Ok;
}

/** True when the digest is there. */
function measureStep(object: MemoryObject): bool {
  if (<usize>SHA256_CONTEXT_BYTES > FRAME_NUMBERS_OFFSET - MEASURE_OFFSET)
    ERROR("the digest's state is too small");
  const context = changetype<usize>(object) + MEASURE_OFFSET;
  const at = object.measureCursor;
  if (at === 0) sha256Begin(context);
  const frame = frameOfPage(object, <u32>(at >> 12));
  copyIn(block, frameAddress(frame) + (at & 4095), STEP_BYTES);
  sha256Update(context, block, STEP_BYTES);
  object.measureCursor = at + STEP_BYTES;
  if (object.measureCursor < (<u64>object.pages) << 12) return false;

  sha256End(context, digest);
  object.digest0 = load<u64>(digest);
  object.digest1 = load<u64>(digest, 8);
  object.digest2 = load<u64>(digest, 16);
  object.digest3 = load<u64>(digest, 24);
  object.measured = true;
  return true;
}
