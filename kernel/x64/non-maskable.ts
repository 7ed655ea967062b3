// Where a non-maskable interrupt can come from, as far as the chipset says.

import { in8, out8 } from "./x64";

const SYSTEM_CONTROL: u32 = 0x61;
const STATUS_MEMORY: u32 = 0x80;
const STATUS_CHANNEL: u32 = 0x40;
/** Closes the source, and so takes back what it says. */
const CLOSE_MEMORY: u32 = 0x04;
const CLOSE_CHANNEL: u32 = 0x08;
/**
 * The bits that are to be written as they are read: both sources, the speaker and its timer's gate.
 */
const KEPT: u32 = 0x0f;

export enum NonMaskableSource {
  /** A button, a watchdog, an emulator: nothing says. */
  Unknown = 0,
  /** Memory, or a device that reports SERR#. */
  Memory = 1,
  /** A card that reports an error. */
  Channel = 2,
}

/** Asks and clears, so that the source can report again. One that goes on does so at once. */
export function takeNonMaskableSource(): NonMaskableSource {
  const control = in8(SYSTEM_CONTROL);
  const isMemory = (control & STATUS_MEMORY) !== 0;
  const isChannel = (control & STATUS_CHANNEL) !== 0;
  if (!isMemory && !isChannel) return NonMaskableSource.Unknown;
  const kept = control & KEPT;
  out8(SYSTEM_CONTROL, kept | (isMemory ? CLOSE_MEMORY : 0) | (isChannel ? CLOSE_CHANNEL : 0));
  out8(SYSTEM_CONTROL, kept);
  return isMemory ? NonMaskableSource.Memory : NonMaskableSource.Channel;
}
