import { defineConfig } from "vitest/config";

// Kernels that each lack one guard. A suite of its own, as it builds eleven kernels.
export default defineConfig({
  test: {
    include: ["tests/guards/**/*.test.ts"],
    exclude: ["node_modules/**", "build/**"],
    pool: "forks",
    maxWorkers: 1,
    testTimeout: 600_000,
    hookTimeout: 600_000,
    teardownTimeout: 60_000,
  },
});
