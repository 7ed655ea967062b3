import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { expect, test } from "vitest";
import { moduleClosure, toolModules } from "./tool-key.ts";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "../..");

// esbuild finds imports by parsing, we by their looks.
test.each(["toolchain/cli/main.ts", "toolchain/make/compile-worker.ts"])(
  "all that %s imports counts, as esbuild sees it",
  async (entry) => {
    const { metafile } = await build({
      entryPoints: [join(ROOT, entry)],
      bundle: true,
      splitting: true,
      format: "esm",
      outdir: "nowhere",
      packages: "external",
      platform: "node",
      write: false,
      metafile: true,
      absWorkingDir: ROOT,
    });
    const found = [...moduleClosure(join(ROOT, entry))]
      .filter(([, text]) => text !== null)
      .map(([file]) => relative(ROOT, file));
    // Types are erased before esbuild looks, and change nothing that runs.
    expect(found).toEqual(expect.arrayContaining(Object.keys(metafile.inputs)));
  },
);

// The compiler runs in threads: nothing that `trine` imports leads to it.
test.each(["build", "compile"] as const)(
  "all of the compiler counts for `%s`, in the bundle and in the sources",
  (part) => {
    const bundled = [...toolModules(part, join(ROOT, "build/toolchain"), false).values()];
    expect(bundled.filter((text) => text?.includes("--noExportMemory"))).toHaveLength(1);
    const sources = toolModules(part, join(ROOT, "toolchain/cache"), true);
    for (const file of ["compiler/asc.ts", "make/compile-worker.ts"])
      expect(sources.get(join(ROOT, "toolchain", file))).toBeTypeOf("string");
  },
);
