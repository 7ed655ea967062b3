import { defineConfig } from "vitest/config";

// Tests that boot images. `trine test system` builds the images first.
export default defineConfig({
  test: {
    include: ["tests/{system,blobs,recovery,garbage}/**/*.test.ts"],
    exclude: ["node_modules/**", "build/**"],
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 600_000,
    hookTimeout: 600_000,
    teardownTimeout: 60_000,
  },
});
