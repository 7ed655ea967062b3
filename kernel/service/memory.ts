import {
  MemoryInfoResponse,
  MemoryMethod,
  MemoryStepResponse,
} from "../../build/generated/kernel/Memory";
import { RIGHT_SEAL } from "../abi/object";
import { Permission } from "../abi/permission";
import { Status } from "../abi/status";
import { hasRights } from "../handle/table";
import { frameAddress } from "../memory/frames";
import { frameOfPage } from "../memory/memory-pages";
import { SHA256_CONTEXT_BYTES, sha256Begin, sha256End, sha256Update } from "../monitor/monitor";
import { FRAME_NUMBERS_OFFSET, MEASURE_OFFSET, MemoryObject } from "../object/memory-object";
import { copyIn } from "../x64/physical-memory";
import { MethodCall } from "./method-call";

export function memoryMethod(method: u32, call: MethodCall): Status {
  const memory = changetype<MemoryObject>(call.handle.object!);
  switch (method) {
    case MemoryMethod.Info:
      return info(call, memory);
    case MemoryMethod.Seal:
      return seal(call, memory);
    case MemoryMethod.Step:
      return measure(call, memory);
    default:
      return Status.BadHeader;
  }
}

function info(call: MethodCall, memory: MemoryObject): Status {
  const response = MemoryInfoResponse.at(call.response);
  response.bytes = (<u64>memory.pages) << 12;
  response.sealed = memory.sealed;
  response.measured = memory.measured;
  return Status.Ok;
}

function seal(call: MethodCall, memory: MemoryObject): Status {
  const handle = call.handle;
  if (!hasRights(handle, RIGHT_SEAL)) return Status.NoRight;
  if (memory.writableMappings !== 0) return Status.Busy;
  const verdict = call.judge(handle.classId, Permission.Seal);
  if (verdict !== Status.Ok) return verdict;
  memory.sealed = true;
  return Status.Ok;
}

function measure(call: MethodCall, object: MemoryObject): Status {
  if (!object.sealed) return Status.Sealed;
  if (!object.measured && !measureStep(object)) return Status.Again;
  const response = MemoryStepResponse.at(call.response);
  response.digest0 = object.digest0;
  response.digest1 = object.digest1;
  response.digest2 = object.digest2;
  response.digest3 = object.digest3;
  return Status.Ok;
}

/** Two blocks of SHA-256: a step stays below 8,000 instructions. */
const STEP_BYTES: u32 = 128;
const block: usize = memory.data(128, 8);

/** Measures the next STEP_BYTES; true when the digest is complete. The object keeps the state. */
function measureStep(object: MemoryObject): bool {
  if (<usize>SHA256_CONTEXT_BYTES > FRAME_NUMBERS_OFFSET - MEASURE_OFFSET)
    ERROR("the digest's state is too small");
  if (offsetof<MemoryObject>("digest3") !== offsetof<MemoryObject>("digest0") + 24)
    ERROR("the digest's words are apart");
  const context = changetype<usize>(object) + MEASURE_OFFSET;
  const at = object.measureCursor;
  if (at === 0) sha256Begin(context);
  const frame = frameOfPage(object, <u32>(at >> 12));
  copyIn(block, frameAddress(frame) + (at & 4095), STEP_BYTES);
  sha256Update(context, block, STEP_BYTES);
  object.measureCursor = at + STEP_BYTES;
  if (object.measureCursor < (<u64>object.pages) << 12) return false;

  sha256End(context, changetype<usize>(object) + offsetof<MemoryObject>("digest0"));
  object.measured = true;
  return true;
}
