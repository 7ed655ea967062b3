/** Adds a slot to an image description, which stays as its author wrote it. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { refuse } from "../report/diagnostic.ts";

/**
 * The text of `file` with `slot` (an indented property with its comma) behind the last of `slots`.
 */
export async function addSlot(
  root: string,
  file: string,
  name: string,
  slot: string,
): Promise<string> {
  const { default: ts } = await import("typescript");
  const text = await readFile(join(root, file), "utf8");
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);

  const call = source.statements.find(ts.isExportAssignment)?.expression;
  const image = call !== undefined && ts.isCallExpression(call) ? call.arguments[0] : undefined;
  const slots = propertyNamed(image, "slots");
  if (slots === undefined || !ts.isObjectLiteralExpression(slots))
    return refuse("the image's `slots` are not written out", {
      file,
      help: "`export default defineImage({ …, slots: { … } })`",
    });
  if (propertyNamed(slots, name) !== undefined)
    refuse(`the image has a slot \`${name}\` already`, { file, help: "choose another name" });

  // The last slot's comma may be missing; ours goes onto lines of its own, before the closing
  // brace's.
  const last = slots.properties.at(-1);
  const comma = last !== undefined && !slots.properties.hasTrailingComma ? last.end : undefined;
  const brace = text.lastIndexOf("\n", slots.end - 1) + 1;
  const before =
    comma === undefined
      ? text.slice(0, brace)
      : `${text.slice(0, comma)},${text.slice(comma, brace)}`;
  return before + slot + text.slice(brace);

  function propertyNamed(
    object: import("typescript").Expression | undefined,
    key: string,
  ): import("typescript").Expression | undefined {
    if (object === undefined || !ts.isObjectLiteralExpression(object)) return undefined;
    const property = object.properties.find(
      (candidate) =>
        candidate.name !== undefined &&
        ts.isIdentifier(candidate.name) &&
        candidate.name.text === key,
    );
    return property !== undefined && ts.isPropertyAssignment(property)
      ? property.initializer
      : undefined;
  }
}
