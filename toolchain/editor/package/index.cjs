// A plugin of TypeScript's language server, which editors start: see docs/editor.md. What it does
// is bundled by the set-up from toolchain/editor/plugin.ts; in a tree that was never
// built, it changes nothing.
const { existsSync } = require("node:fs");
const { join } = require("node:path");

const root = join(__dirname, "../../..");
const bundle = join(root, "build/toolchain/editor-plugin.cjs");

module.exports = () =>
  existsSync(bundle) ? require(bundle).plugin(root) : { create: (info) => info.languageService };
