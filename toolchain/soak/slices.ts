/** All slices; `.ci/run` takes them in turn. */
import type { Slice } from "./slice.ts";

export const SLICES: readonly Slice[] = [];
