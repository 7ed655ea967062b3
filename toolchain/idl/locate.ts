/**
 * Finds the place of a property in a description file. Needed only for a diagnostic, so the
 * TypeScript parser is loaded then, and not by a build without errors.
 */
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import type { Expression, Node, ObjectLiteralExpression } from "typescript";
import type { Diagnostic } from "../report/diagnostic.ts";
import type { ShapeFinding } from "./shape.ts";

export interface Place {
  readonly line: number;
  readonly column: number;
}

/**
 * The place of the property that `path` leads to from the file's default export, or else of the
 * deepest part of the path that the file has. `["methods", "ping", "takes", "count"]` is the field
 * `count`.
 */
export async function locateProperty(
  root: string,
  file: string,
  path: readonly string[],
): Promise<Place> {
  return placeInText(file, await readFile(resolve(root, file), "utf8"), path);
}

/** A finding about a property, as a diagnostic at its place. */
export async function diagnosticAt(
  root: string,
  file: string,
  { path, message, help }: ShapeFinding,
): Promise<Diagnostic> {
  return {
    severity: "error",
    file,
    ...(await locateProperty(root, file, path)),
    message,
    ...(help === undefined ? {} : { help }),
  };
}

/** As `locateProperty`, in a text. */
export async function placeInText(
  file: string,
  text: string,
  path: readonly string[],
): Promise<Place> {
  const { default: ts } = await import("typescript");
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);

  const assignment = source.statements.find(ts.isExportAssignment);
  let place: Node = assignment ?? source;
  let object = assignment === undefined ? null : describedObject(assignment.expression);
  for (const key of path) {
    const property = object?.properties.find(
      (candidate) => candidate.name !== undefined && nameOf(candidate.name) === key,
    );
    if (property === undefined) break;
    place = property;
    object = ts.isPropertyAssignment(property) ? describedObject(property.initializer) : null;
  }

  const { line, character } = source.getLineAndCharacterOfPosition(place.getStart(source));
  return { line: line + 1, column: character + 1 };

  /**
   * The object literal itself, or the argument of a call around it, as in `defineInterface({ … })`.
   */
  function describedObject(expression: Expression): ObjectLiteralExpression | null {
    if (ts.isObjectLiteralExpression(expression)) return expression;
    if (ts.isCallExpression(expression) && expression.arguments[0] !== undefined)
      return describedObject(expression.arguments[0]);
    if (ts.isAsExpression(expression) || ts.isSatisfiesExpression(expression))
      return describedObject(expression.expression);
    return null;
  }

  function nameOf(name: Node): string {
    return ts.isStringLiteral(name) || ts.isIdentifier(name) || ts.isNumericLiteral(name)
      ? name.text
      : "";
  }
}
