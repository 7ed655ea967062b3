/**
 * The required shape of a description file, as data. No type checker has read the file when the
 * tools load it, and a misspelt key must not count as an omitted key.
 */
import { didYouMean } from "../report/suggest.ts";

export type Shape =
  | { readonly kind: "text"; readonly pattern?: RegExp; readonly help: string }
  | { readonly kind: "number"; readonly min: number; readonly max: number }
  | { readonly kind: "flag" }
  | { readonly kind: "choice"; readonly of: readonly string[] }
  | { readonly kind: "list"; readonly of: Shape; readonly help: string }
  /** Any names, all with the same meaning. */
  | { readonly kind: "map"; readonly of: Shape; readonly help: string }
  | {
      readonly kind: "record";
      readonly keys: Readonly<Record<string, Shape>>;
      readonly optional: Readonly<Record<string, Shape>>;
      readonly help: string;
    }
  /** A text, or else a record. */
  | {
      readonly kind: "textOr";
      readonly text: Shape & { readonly kind: "text" };
      readonly or: Shape;
    }
  /** Only checked to be an object here; its owner checks the rest. */
  | { readonly kind: "object"; readonly help: string };

export interface ShapeFinding {
  /** Keys from the description's root on. */
  readonly path: readonly string[];
  readonly message: string;
  readonly help?: string;
}

/** Everything about `value` that is not as `shape` says. `name` is what messages call it. */
export function checkShape(
  value: unknown,
  shape: Shape,
  name: string,
  path: readonly string[] = [],
): ShapeFinding[] {
  const wrong = (): ShapeFinding[] => [
    { path, message: `${name} is ${inWords(value)}`, help: helpFor(shape) },
  ];
  switch (shape.kind) {
    case "text":
      return typeof value === "string" && (shape.pattern === undefined || shape.pattern.test(value))
        ? []
        : wrong();
    case "number":
      return Number.isInteger(value) &&
        (value as number) >= shape.min &&
        (value as number) <= shape.max
        ? []
        : wrong();
    case "flag":
      return typeof value === "boolean" ? [] : wrong();
    case "choice":
      if (typeof value === "string" && shape.of.includes(value)) return [];
      return [
        {
          path,
          message: `${name} is ${inWords(value)}`,
          help:
            typeof value === "string"
              ? didYouMean(value, shape.of, helpFor(shape))
              : helpFor(shape),
        },
      ];
    case "list":
      return Array.isArray(value)
        ? value.flatMap((one, index) => checkShape(one, shape.of, `${name}[${index}]`, path))
        : wrong();
    case "textOr":
      return typeof value === "string"
        ? []
        : isRecord(value)
          ? checkShape(value, shape.or, name, path)
          : [{ path, message: `${name} is ${inWords(value)}`, help: shape.text.help }];
    case "object":
      return isRecord(value) ? [] : wrong();
    case "map":
      return isRecord(value)
        ? Object.entries(value).flatMap(([key, one]) =>
            checkShape(one, shape.of, `\`${key}\``, [...path, key]),
          )
        : wrong();
    case "record":
      return isRecord(value) ? checkRecord(value, shape, path) : wrong();
  }
}

function checkRecord(
  value: Readonly<Record<string, unknown>>,
  { keys, optional }: Shape & { readonly kind: "record" },
  path: readonly string[],
): ShapeFinding[] {
  const known = { ...keys, ...optional };
  const unknown = Object.keys(value).filter((key) => !Object.hasOwn(known, key));
  const missing = Object.keys(keys).filter((key) => value[key] === undefined);
  // A key that is missing under its name and there under another is one mistake.
  const explained = new Set(
    unknown.flatMap((key) => missing.filter((other) => didYouMean(key, [other], "") !== "")),
  );
  return [
    ...unknown.map((key) => ({
      path: [...path, key],
      message: `\`${key}\` is no property here`,
      help: didYouMean(
        key,
        Object.keys(known).filter((other) => value[other] === undefined),
        `there are ${Object.keys(known)
          .map((other) => `\`${other}\``)
          .join(", ")}`,
      ),
    })),
    ...missing
      .filter((key) => !explained.has(key))
      .map((key) => ({ path, message: `\`${key}\` is missing`, help: helpFor(keys[key]!) })),
    ...Object.entries(known).flatMap(([key, shape]) =>
      value[key] === undefined ? [] : checkShape(value[key], shape, `\`${key}\``, [...path, key]),
    ),
  ];
}

/** What would be right. */
function helpFor(shape: Shape): string {
  switch (shape.kind) {
    case "number":
      return `a whole number from ${shape.min} to ${shape.max}`;
    case "flag":
      return "`true` or `false`";
    case "choice":
      return `one of ${shape.of.map((one) => `"${one}"`).join(", ")}`;
    case "textOr":
      return shape.text.help;
    default:
      return shape.help;
  }
}

function inWords(value: unknown): string {
  if (value === null || value === undefined) return String(value);
  if (typeof value === "string")
    return value === ""
      ? "an empty text"
      : JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value);
  if (Array.isArray(value)) return "a list";
  return typeof value === "object"
    ? "an object"
    : typeof value === "function"
      ? "a function"
      : String(value);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
