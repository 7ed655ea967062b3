/** `trine policy fmt` and `trine policy explain`. */
import { writeFileSync } from "node:fs";
import { formatPolicy } from "../../policy/compiler/format.ts";
import { explainCall } from "../../policy/compiler/explain.ts";
import { parsePolicy } from "../../policy/compiler/parse.ts";
import { findRoot } from "../cache/tree.ts";
import { policyText, systemInput } from "../image/draft.ts";
import { loadImage } from "../make/description.ts";
import { refuse, throwOnError } from "../report/diagnostic.ts";
import { readInputFile } from "./input-file.ts";

/** Lays files out anew; with `check`, only says which are not laid out so, and fails. */
export function formatFiles(
  paths: readonly string[],
  { check }: { readonly check: boolean },
): void {
  const changed: string[] = [];
  for (const path of paths) {
    const text = policyText(path, readInputFile(path));
    throwOnError(parsePolicy({ file: path, text }).diagnostics);
    const formatted = formatPolicy(text);
    if (formatted === text) continue;
    changed.push(path);
    if (!check) writeFileSync(path, formatted);
  }
  const [first] = changed;
  if (check && first !== undefined)
    refuse(
      changed.length === 1
        ? "is not formatted"
        : `and ${changed.length - 1} more are not formatted`,
      { file: first, help: `trine policy fmt ${changed.join(" ")}` },
    );
  for (const path of changed) process.stdout.write(`${path}\n`);
}

/** What the image's policy says of a call: `Shell -> Console.write(length(text) = 3)`. */
export async function explain(
  question: string,
  { image, json }: { readonly image: string; readonly json: boolean },
): Promise<void> {
  const root = findRoot();
  const { file, description, programs } = await loadImage(root, image);
  const input = await systemInput({ root, imageFile: file, image: description, programs });
  const { explanations, diagnostics } = await explainCall(input, question);
  throwOnError(diagnostics);
  if (json) return void process.stdout.write(`${JSON.stringify({ explanations })}\n`);
  for (const { event, verdict, because } of explanations)
    process.stdout.write(`${event.padEnd(9)} ${verdict.padEnd(8)} ${because}\n`);
}
