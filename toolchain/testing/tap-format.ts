// The lines of the Test Anything Protocol, version 13, that this tree writes. The tools and the
// kernel's test image, which is AssemblyScript, write them from here; `tap.ts` reads them.

/** Before the number of a case. */
export const TAP_PASSED = "ok ";
export const TAP_FAILED = "not ok ";
/** Between the number of a case and its name. */
export const TAP_NAME = " - ";
/** Before the number of cases. */
export const TAP_PLAN = "1..";
/** Before a comment; those before a failed case say why it failed. */
export const TAP_COMMENT = "# ";
