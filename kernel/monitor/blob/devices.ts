// The part of the structural verifier that looks at hardware: no image gives away what the machine
// runs on, or one device twice.

import { BlobError } from "../../abi/blob-error";
import {
  BlobSection,
  CHANNEL_BYTES,
  CHANNEL_COUNT,
  CHANNEL_FIRST,
  CHANNEL_TYPE,
} from "../../abi/blob";
import { CASCADE_LINE, TIMER_LINE } from "../../abi/device";
import { ObjectType } from "../../abi/object";
import { areMachinePorts } from "./machine-ports";
import { countOf, sectionOf } from "./sections";

/** A bit for each port. */
const taken: usize = memory.data(8192, 8);

/**
 * After `verifyImage`, so that ports and lines exist. A port is taken once, so that there are no
 * more steps than ports, and handles.
 */
export function verifyDevices(blob: usize): u32 {
  memory.fill(taken, 0, 8192);
  let lines: u32 = 0;
  const count = countOf(blob, BlobSection.Handles);
  for (let i: u32 = 0; i < count; i++) {
    const handle = sectionOf(blob, BlobSection.Handles) + i * CHANNEL_BYTES;
    const type = load<u32>(handle + CHANNEL_TYPE);
    const first = load<u32>(handle + CHANNEL_FIRST);
    if (type === ObjectType.Ports) {
      const ports = load<u32>(handle + CHANNEL_COUNT);
      if (areMachinePorts(first, ports)) return BlobError.MachineDevice;
      if (!take(first, ports)) return BlobError.SharedDevice;
    } else if (type === ObjectType.Interrupt) {
      if (first === TIMER_LINE || first === CASCADE_LINE) return BlobError.MachineDevice;
      if (((lines >> first) & 1) !== 0) return BlobError.SharedDevice;
      lines |= 1 << first;
    }
  }
  return BlobError.None;
}

/** False if one of the ports is taken already. */
function take(first: u32, count: u32): bool {
  for (let port = first; port < first + count; port++) {
    const byte = taken + (port >> 3);
    const bit = (<u32>1) << (port & 7);
    if ((<u32>load<u8>(byte) & bit) !== 0) return false;
    store<u8>(byte, <u8>(<u32>load<u8>(byte) | bit));
  }
  return true;
}
