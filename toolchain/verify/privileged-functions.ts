import type { Target } from "../ir/module.ts";

/**
 * Where instructions that wasm has no word for may occur, by the start of a function's name, which
 * is its file's path. This list is reviewed: code on it may touch ports, control registers or
 * physical memory.
 */
const PRIVILEGED_FUNCTIONS: Readonly<Record<Target, readonly string[]>> = {
  kernel: ["kernel/x64/"],
  // Ports, which the kernel opens only where the image grants them. `attack` tries ports that
  // are not granted; a bench times an interrupt from the write that raises it.
  domain: ["drivers/", "services/attacker/faults/", "tests/bench/trigger/"],
  linux: [],
};

export function isPrivilegedFunction(name: string, target: Target): boolean {
  return PRIVILEGED_FUNCTIONS[target].some((prefix) => name.startsWith(prefix));
}
