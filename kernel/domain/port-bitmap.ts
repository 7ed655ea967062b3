// A domain's I/O permission bitmap: one bit for each port. A set bit forbids the port.

import { PORTS } from "../abi/device";
import { ObjectType } from "../abi/object";
import { Permission } from "../abi/permission";
import { Status } from "../abi/status";
import { GUARD_PORTS } from "../base/guards";
import { FrameUse } from "../memory/frames";
import { chargePages, unchargeShared } from "../memory/quota";
import { backWindowPage, releaseWindowPage } from "../memory/window";
import {
  handleClass,
  handleCount,
  handleFirst,
  handleType,
  judgePermission,
  slotFirstHandle,
  slotHandleCount,
} from "../monitor/monitor";
import { Domain } from "../object/domain";
import { PORT_BITMAPS_BASE, PORT_BITMAP_BYTES, PORT_BITMAP_SHIFT } from "../object/layout";
import { forgetPorts } from "../x64/assembly";

function bitmapOf(domain: Domain): usize {
  return PORT_BITMAPS_BASE + ((<usize>domain.slot) << PORT_BITMAP_SHIFT);
}

/**
 * Makes the bitmap if any of the slot's handles names ports, and clears the bits of the ports that
 * the policy lets the domain use. False if there is no memory for the bitmap.
 */
export function grantPorts(domain: Domain): bool {
  if (GUARD_PORTS && !hasPorts(domain.slot)) return true;

  const bitmap = bitmapOf(domain);
  if (!chargePages(domain, PORT_BITMAP_BYTES >> 12)) return false;
  for (let offset: u32 = 0; offset < PORT_BITMAP_BYTES; offset += 4096) {
    // The window's page tables exist since boot, so only a lack of memory makes this fail.
    if (!backWindowPage(bitmap + offset, FrameUse.Objects, domain.slot)) return false;
    domain.portPages += 1;
  }
  memory.fill(bitmap, GUARD_PORTS ? 0xff : 0, PORT_BITMAP_BYTES);
  const first = slotFirstHandle(domain.slot);
  const end = first + slotHandleCount(domain.slot);
  for (let index = first; index < end; index++) {
    if (handleType(index) !== <u32>ObjectType.Ports) continue;
    const verdict = judgePermission(
      domain.slot,
      domain.classId,
      handleClass(index),
      Permission.Ports,
    );
    if (verdict !== Status.Ok) continue;
    allowPorts(bitmap, handleFirst(index), handleCount(index));
  }
  domain.ports = <u32>bitmap;
  forgetPorts();
  return true;
}

/** True if any of the slot's handles names ports. */
export function hasPorts(slot: u32): bool {
  const first = slotFirstHandle(slot);
  const end = first + slotHandleCount(slot);
  for (let index = first; index < end; index++) {
    if (handleType(index) === <u32>ObjectType.Ports) return true;
  }
  return false;
}

/** Clears the bits of ports: single bits up to a whole byte, whole bytes, and single bits again. */
function allowPorts(bitmap: usize, first: u32, count: u32): void {
  const end = <u64>first + <u64>count < <u64>PORTS ? first + count : <u32>PORTS;
  let port = first;
  while (port < end && (port & 7) !== 0) allowPort(bitmap, port++);
  if (port >= end) return;
  const bytes = (end - port) >> 3;
  memory.fill(bitmap + (<usize>port >> 3), 0, bytes);
  port += bytes << 3;
  while (port < end) allowPort(bitmap, port++);
}

function allowPort(bitmap: usize, port: u32): void {
  const place = bitmap + (<usize>port >> 3);
  store<u8>(place, <u8>(<u32>load<u8>(place) & ~((<u32>1) << (port & 7))));
}

/** Frees a page of the bitmap; false if there is none left. */
export function freePortPage(domain: Domain): bool {
  if (domain.portPages === 0) return false;
  forgetPorts();
  domain.portPages -= 1;
  releaseWindowPage(bitmapOf(domain) + ((<usize>domain.portPages) << 12));
  unchargeShared(domain, 1);
  return true;
}
