// The part of the structural verifier that checks devices: no image gives a slot a device that the
// kernel itself needs, or gives one device to two handles.

import { BlobError } from "../../abi/blob-error";
import { BlobSection } from "../../abi/blob";
import { CASCADE_LINE, TIMER_LINE } from "../../abi/device";
import { ObjectType } from "../../abi/object";
import { areMachinePorts } from "./machine-ports";
import { Blob } from "./records";

/** A bit for each port. */
const taken: usize = memory.data(8192, 8);

/**
 * Checks that no port or line is the machine's own or given twice. After `verifyImage`, so that
 * ports and lines exist. A port is taken once, so there are no more steps than ports and handles.
 * Returns a BlobError.
 */
export function verifyDevices(blob: Blob): u32 {
  memory.fill(taken, 0, 8192);
  let lines: u32 = 0;
  const count = blob.count(BlobSection.Handles);
  for (let i: u32 = 0; i < count; i++) {
    const handle = blob.handle(i);
    if (handle.type === ObjectType.Ports) {
      if (areMachinePorts(handle.first, handle.count)) return BlobError.MachineDevice;
      if (!takePorts(handle.first, handle.count)) return BlobError.SharedDevice;
    } else if (handle.type === ObjectType.Interrupt) {
      const line = handle.first;
      assert(line < 32);
      if (line === TIMER_LINE || line === CASCADE_LINE) return BlobError.MachineDevice;
      if (((lines >> line) & 1) !== 0) return BlobError.SharedDevice;
      lines |= 1 << line;
    }
  }
  return BlobError.None;
}

/** False if one of the ports is taken already. */
function takePorts(first: u32, count: u32): bool {
  for (let port = first; port < first + count; port++) {
    const byte = taken + (port >> 3);
    const bit = (<u32>1) << (port & 7);
    if ((<u32>load<u8>(byte) & bit) !== 0) return false;
    store<u8>(byte, <u8>(<u32>load<u8>(byte) | bit));
  }
  return true;
}
