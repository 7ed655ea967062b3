// The source of a non-maskable interrupt, as far as the chipset reports it.

import { in8, out8 } from "./x64";

const SYSTEM_CONTROL: u32 = 0x61;
const STATUS_MEMORY: u32 = 0x80;
const STATUS_CHANNEL: u32 = 0x40;
/** Closes the source, which clears its status bit. */
const CLOSE_MEMORY: u32 = 0x04;
const CLOSE_CHANNEL: u32 = 0x08;
/** The bits that must be written as they are read: both sources, the speaker, its timer's gate. */
const KEPT: u32 = 0x0f;

export enum NonMaskableSource {
  /** The chipset reports none: a button, a watchdog, an emulator. */
  Unknown = 0,
  /** Memory, or a device that reports SERR#. */
  Memory = 1,
  /** A card that reports an error. */
  Channel = 2,
}

/**
 * Returns the source and clears its status, so that the source can report again. A source whose
 * error persists reports again at once.
 */
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
