/** `trine check`: checks an image or a policy file without compiling. */
import { relative, resolve } from "node:path";
import { type CheckedImage, checkImage, checkPolicy } from "../make/check-image.ts";
import { findRoot } from "../cache/tree.ts";
import { policyText } from "../image/draft.ts";
import { formatDiagnostic } from "../report/diagnostic.ts";
import { readInputFile } from "./input-file.ts";

const POLICY = /\.policy$/;

/** `subject` is the name of an image, or the path of a policy file. */
export async function check(subject: string, { json }: { readonly json: boolean }): Promise<void> {
  const root = findRoot();
  const { images, warnings } = POLICY.test(subject)
    ? await checkFile(root, subject)
    : { images: [await checkImage(root, subject)], warnings: [] };
  const said = [...images.flatMap((image) => image.warnings), ...warnings];
  if (json) return void process.stdout.write(`${JSON.stringify({ images, warnings: said })}\n`);
  for (const warning of said) process.stderr.write(`${formatDiagnostic(warning)}\n`);
  for (const image of images) process.stdout.write(`${summary(image)}\n`);
}

function checkFile(root: string, path: string): ReturnType<typeof checkPolicy> {
  return checkPolicy(root, relative(root, resolve(path)), policyText(path, readInputFile(path)));
}

function summary({ image, expects, decisionInstructionsMax }: CheckedImage): string {
  return `${image}: image, manifests and policy fit; ${expects.passed} expectations hold, a decision takes at most ${decisionInstructionsMax} instructions`;
}
