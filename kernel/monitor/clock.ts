// The time that audit records carry. A file of its own, so that the monitor runs outside the kernel
// with another clock.

export { nowNs } from "../x64/timer";
