/** `trine build`: builds an image and prints the path of its file. */
import { buildImage, type BuiltImage, checkRequest } from "../make/build-image.ts";
import { findRoot } from "../cache/tree.ts";
import { formatDiagnostic } from "../report/diagnostic.ts";
import { defaultForm } from "../report/progress.ts";

export interface BuildFlags {
  readonly medium: string;
  readonly release?: boolean;
  readonly without?: string;
  readonly json: boolean;
}

export async function build(image: string, flags: BuildFlags): Promise<BuiltImage> {
  const request = checkRequest({
    root: findRoot(),
    image,
    medium: flags.medium,
    release: flags.release === true,
    without: flags.without,
  });
  const built = await buildImage(request, defaultForm(flags.json));
  if (!flags.json) showWarnings(built);
  process.stdout.write(flags.json ? `${JSON.stringify(built)}\n` : `${built.bootPath}\n`);
  return built;
}

/** Prints the warnings of a build. */
export function showWarnings({ warnings }: BuiltImage): void {
  for (const warning of warnings) process.stderr.write(`${formatDiagnostic(warning)}\n`);
}
