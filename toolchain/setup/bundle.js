// Bundles the tools into build/toolchain. npm packages are not part of the bundle: they are loaded
// from node_modules when they are used. Plain JavaScript, because this file runs before anything
// can read TypeScript.
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
  "editor-check": "toolchain/editor/check.ts",
};
await Promise.all([
  build({ ...options, entryPoints: tools, splitting: true, format: "esm" }),
  // An editor's language server loads its plugins by `require`, in a Node of its own.
  build({
    ...options,
    entryPoints: { "editor-plugin": "toolchain/editor/plugin.ts" },
    format: "cjs",
    outExtension: { ".js": ".cjs" },
    target: "node18",
  }),
]).catch(() => process.exit(1)); // esbuild has printed what is wrong
// The bundle is dated to its start, so a source that was edited meanwhile is newer.
utimesSync(`${fresh}/main.js`, start, start);
rmSync("build/toolchain", { recursive: true, force: true });
renameSync(fresh, "build/toolchain");
linkEditorPlugin();

/**
 * The language server looks for its plugins among the packages; this plugin is a folder of the
 * tree. If `node_modules` is a link, the packages belong to another tree and stay as they are. An
 * older bundle may have linked a folder that no longer exists, so the link is always made again.
 */
function linkEditorPlugin() {
  if (!existsSync("node_modules") || lstatSync("node_modules").isSymbolicLink()) return;
  rmSync("node_modules/trine-editor", { force: true });
  symlinkSync("../toolchain/editor/package", "node_modules/trine-editor");
}
