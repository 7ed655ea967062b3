/** All benches, in the order of docs/figures.md. */
import type { Bench } from "./figure.ts";

export const BENCHES: readonly Bench[] = [];
