// Bundles the tools into build/toolchain, npm packages left outside: they are loaded from node_modules only when used.
// Plain JavaScript, because it is what runs before anything can read TypeScript.
import { renameSync, rmSync, utimesSync } from "node:fs";
import { build } from "esbuild";

const fresh = "build/toolchain.new";
rmSync(fresh, { recursive: true, force: true });
const start = new Date();
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
// What is edited from here on is not in the bundle, and newer than it.
utimesSync(`${fresh}/main.js`, start, start);
rmSync("build/toolchain", { recursive: true, force: true });
renameSync(fresh, "build/toolchain");
