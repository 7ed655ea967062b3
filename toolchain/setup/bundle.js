// Bundles the tools into build/toolchain, npm packages left outside: they are loaded from node_modules only when used.
// Plain JavaScript, because it is what runs before anything can read TypeScript.
import { renameSync, rmSync } from "node:fs";
import { build } from "esbuild";

const fresh = "build/toolchain.new";
rmSync(fresh, { recursive: true, force: true });
await build({
  entryPoints: { main: "toolchain/cli/main.ts", "compile-worker": "toolchain/build/compile-worker.ts" },
  outdir: fresh,
  bundle: true,
  splitting: true,
  format: "esm",
  platform: "node",
  target: "node22",
  packages: "external",
  sourcemap: true,
  legalComments: "none",
  logLevel: "warning",
}).catch(() => process.exit(1)); // esbuild has said what is wrong
rmSync("build/toolchain", { recursive: true, force: true });
renameSync(fresh, "build/toolchain");
