// Guards that a test build can leave out one at a time, to prove that the attack which the guard
// stops then succeeds. The image builder replaces this file's text to leave a guard out; a shipped
// kernel has all of them.

/** Supervisor-mode execution prevention. */
export const GUARD_SMEP: bool = true;
/** Supervisor-mode access prevention. */
export const GUARD_SMAP: bool = true;
/** No-execute bits on every page that is not code. */
export const GUARD_NX: bool = true;
/** Rights of handles. */
export const GUARD_RIGHTS: bool = true;
/** Sequence and domain of reply tokens. */
export const GUARD_TOKEN: bool = true;
/** Quotas of pages, handles, threads and objects. */
export const GUARD_QUOTA: bool = true;
/** The monitor's verdict. */
export const GUARD_VERDICT: bool = true;
/**
 * The monitor's checks where a message takes the fast path, and what is noted for them: false only
 * in the kernel by which the bench shows their price. No image can have that kernel.
 */
export const FAST_PATH_JUDGES: bool = true;
/** A message's structure against its interface. */
export const GUARD_STRUCTURE: bool = true;
/** An executable's digest against the policy's. */
export const GUARD_DIGEST: bool = true;
/** The I/O permission bitmap. */
export const GUARD_PORTS: bool = true;
