/**
 * Kernels and processors that differ from the measured one in one respect: what that respect costs
 * a round trip. A measure of hardware has its row here.
 */
import { UNJUDGED } from "../image/guards.ts";

export interface KernelVariant {
  readonly id: string;
  /** As the page shows it, behind "IPC round trip, 4 words". */
  readonly about: string;
  /** Default: the bench image. Others must have the bencher. */
  readonly image?: string;
  /** QEMU's `-cpu`; default: `max`. */
  readonly cpu?: string;
  /** A guard that its kernel lacks. */
  readonly without?: string;
  /**
   * The difference is a figure too: what the measured kernel executes more than the variant.
   */
  readonly price?: { readonly id: string; readonly about: string; readonly goal: number };
}

export const KERNEL_VARIANTS: readonly KernelVariant[] = [
  {
    id: "unjudged",
    about: "by a kernel that judges nothing on the fast path, for comparison only",
    without: UNJUDGED,
    price: {
      id: "monitor-price",
      about: "the monitor's price: what its checks add to a round trip of 4 words",
      goal: 21,
    },
  },
  {
    id: "without-smap",
    about: "on a processor without SMEP and SMAP",
    cpu: "max,-smap,-smep",
  },
];
