import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["{toolchain,policy,kernel,services,drivers,images,tests}/**/*.test.ts"],
    // Booting images is the business of `trine test`, which builds them first.
    exclude: [
      "tests/{system,guards,blobs,recovery,garbage}/**",
      "**/templates/**",
      "node_modules/**",
      "build/**",
    ],
    pool: "forks",
    // What the tests are planned for: a machine with two cores.
    maxWorkers: 2,
    // For what never ends, on a host as busy as it likes: beside ten other processes a test of 5 s
    // took 80.
    testTimeout: 600_000,
    hookTimeout: 600_000,
    teardownTimeout: 60_000,
  },
});
