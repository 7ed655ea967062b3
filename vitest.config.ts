import { defineConfig } from "vitest/config";

const NEVER = ["**/templates/**", "node_modules/**", "build/**"];
/** Tests that boot images: `trine test` builds the images first. */
const BOOTING = ["tests/{system,blobs,recovery,garbage}/**"];
const GUARDS = ["tests/guards/**"];

/**
 * For what never ends, on a host as busy as it likes: beside ten other processes a test of 5 s took
 * 80.
 */
const LIMITS = {
  pool: "forks",
  testTimeout: 600_000,
  hookTimeout: 600_000,
  teardownTimeout: 60_000,
} as const;

export default defineConfig({
  test: {
    // Two, which the tests are planned for; guards build eleven kernels, one after the other.
    projects: [
      {
        test: {
          name: "host",
          include: ["{toolchain,policy,kernel,services,drivers,images,tests}/**/*.test.ts"],
          exclude: [...BOOTING, ...GUARDS, ...NEVER],
          maxWorkers: 2,
          ...LIMITS,
        },
      },
      {
        test: {
          name: "system",
          include: BOOTING.map((folder) => `${folder}/*.test.ts`),
          exclude: NEVER,
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
          ...LIMITS,
        },
      },
      {
        test: {
          name: "guards",
          include: GUARDS.map((folder) => `${folder}/*.test.ts`),
          exclude: NEVER,
          maxWorkers: 1,
          sequence: { groupOrder: 2 },
          ...LIMITS,
        },
      },
    ],
    // Lines of the tools that host tests reach: `trine bench coverage`. What is compiled to machine
    // code runs in Node as WebAssembly, which V8 does not count by source line.
    coverage: {
      provider: "v8",
      include: ["toolchain/**/*.ts", "policy/**/*.ts"],
      exclude: ["**/*.test.ts", "**/templates/**"],
      reporter: ["json-summary"],
      reportsDirectory: "build/test/coverage",
    },
  },
});
