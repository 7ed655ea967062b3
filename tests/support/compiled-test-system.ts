/**
 * The kernel as it is and the archive of TEST_SYSTEM, made once for each test file that imports
 * them.
 */
import { buildSystem, compileKernel } from "./kernel-in-node.ts";
import { TEST_SYSTEM } from "./test-system.ts";

export const module = await compileKernel();
export const archive = await buildSystem(TEST_SYSTEM);
