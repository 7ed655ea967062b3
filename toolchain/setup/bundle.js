// Bundles the tools into build/toolchain, npm packages left outside: they are loaded from
// node_modules only when used. Plain JavaScript, because it is what runs before anything can read
// TypeScript.
import { existsSync, lstatSync, renameSync, rmSync, symlinkSync, utimesSync } from "node:fs";
import { build } from "esbuild";

const fresh = "build/toolchain.new";
rmSync(fresh, { recursive: true, force: true });
const start = new Date();
const options = {
  outdir: fresh,
  bundle: true,
  platform: "node",
  target: "node22",
  packages: "external",
  sourcemap: true,
  legalComments: "none",
  logLevel: "warning",
};
const tools = {
  main: "toolchain/cli/main.ts",
  "compile-worker": "toolchain/make/compile-worker.ts",
  "editor-check": "toolchain/language/editor-check.ts",
};
await Promise.all([
  build({ ...options, entryPoints: tools, splitting: true, format: "esm" }),
  // An editor's language server loads its plugins by `require`, in a Node of its own.
  build({
    ...options,
    entryPoints: { "editor-plugin": "toolchain/language/editor-plugin.ts" },
    format: "cjs",
    outExtension: { ".js": ".cjs" },
    target: "node18",
  }),
]).catch(() => process.exit(1)); // esbuild has said what is wrong
// What is edited from here on is not in the bundle, and newer than it.
utimesSync(`${fresh}/main.js`, start, start);
rmSync("build/toolchain", { recursive: true, force: true });
renameSync(fresh, "build/toolchain");
linkEditorPlugin();

/**
 * The language server looks for its plugins among the packages; this one is a folder of the tree.
 * Packages that a link leads to are somebody else's.
 */
function linkEditorPlugin() {
  if (
    !existsSync("node_modules") ||
    lstatSync("node_modules").isSymbolicLink() ||
    existsSync("node_modules/trine-editor")
  )
    return;
  symlinkSync("../toolchain/language/editor", "node_modules/trine-editor");
}
