/** What `Timing.measure` of the trigger returns if the machine has no second serial port. */
export const TICKS_NO_PORT: u64 = 0xffff_ffff_ffff_ffff;
