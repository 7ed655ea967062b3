import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["{toolchain,policy,kernel,services,drivers,images,tests}/**/*.test.ts"],
    // Booting images is the business of `trine test`, which builds them first.
    exclude: ["tests/{system,guards,blobs,recovery,garbage}/**", "**/templates/**", "node_modules/**", "build/**"],
    pool: "forks",
    // What the tests are planned for: a machine with two cores.
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // A test that never ends must not hold up the run.
    teardownTimeout: 10_000,
  },
});
