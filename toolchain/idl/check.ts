/**
 * Checks that interface descriptions are well formed, one by one and as a set. Each finding names
 * the property at fault, so that the loader can find its place in the file.
 */
import { METHODS_MAX } from "../../kernel/abi/blob.ts";
import { FIRST_PROGRAM_INTERFACE, ObjectType } from "../../kernel/abi/object.ts";
import {
  ARENA_BYTES_MAX,
  MESSAGE_HANDLES_MAX,
  MESSAGE_WORDS_MAX,
} from "../../kernel/abi/system-call.ts";
import { didYouMean } from "../report/suggest.ts";
import { FLOW_ENDS, type FieldType, type InterfaceDescription } from "../vocabulary/interface.ts";
import { isInArena, layOut } from "./model.ts";

interface Finding {
  readonly file: string;
  /** Property names from the description's root on. */
  readonly path: readonly string[];
  readonly message: string;
  readonly help?: string;
}

export interface LoadedDescription {
  readonly file: string;
  readonly description: InterfaceDescription;
}

/** The policy's tables hold the number of an interface's errors in a byte. */
const ERRORS_MAX = 255;
const INTERFACE_ID_MAX = 0xffff;
const INTERFACE_KEYS = ["name", "id", "version", "about", "errors", "methods"];
const METHOD_KEYS = ["about", "takes", "returns", "idempotent", "reads", "writes"];
const SCALARS = ["u8", "u16", "u32", "u64", "i32", "i64", "bool"];
const KERNEL_FOLDER = "services/interfaces/kernel/";
/** Object types that a `handle` field may name beside interfaces. */
const KERNEL_OBJECTS = Object.values(ObjectType).filter(
  (name) => typeof name === "string" && name !== ObjectType[ObjectType.None],
) as string[];
/** Words that AssemblyScript reserves. */
export const KEYWORDS = new Set(
  (
    "break case catch class const continue debugger default delete do else enum export extends false finally for function if implements import in " +
    "instanceof interface let new null package private protected public return static super switch this throw true try typeof var void while with yield"
  ).split(" "),
);
/**
 * Members and locals of the generated classes: a method or field of such a name would hide them.
 */
const TAKEN = {
  method: new Set([
    "constructor",
    "of",
    "handle",
    "dispatch",
    "notified",
    "interfaceId",
    "nextService",
    "isLong",
    "arenaBytes",
    "handles",
  ]),
  field: new Set([
    "constructor",
    "ok",
    "status",
    "error",
    "reply",
    "record",
    "finish",
    "send",
    "refuse",
    "arena",
    "arenaBytes",
    "tries",
  ]),
} as const;

export function checkInterfaces(loaded: readonly LoadedDescription[]): Finding[] {
  const findings: Finding[] = [];
  const wellFormed: LoadedDescription[] = [];
  for (const one of loaded) {
    const shape = checkShape(one);
    findings.push(...shape);
    if (shape.length === 0) wellFormed.push(one);
  }
  for (const one of wellFormed) findings.push(...checkOne(one, wellFormed));
  return [...findings, ...checkUnique(wellFormed)];
}

/** The data may come from a file that no type checker has read. */
function checkShape({ file, description }: LoadedDescription): Finding[] {
  const found = (path: readonly string[], message: string, help?: string): Finding[] => [
    { file, path, message, help },
  ];
  if (!isObject(description))
    return found(
      [],
      "the default export is not an interface",
      "write `export default defineInterface({ … })`",
    );
  if (typeof description.name !== "string")
    return found([], "the interface has no `name`", 'add `name: "…"`, in PascalCase');
  if (!Number.isInteger(description.id))
    return found(
      ["id"],
      "`id` is not a whole number",
      "give the interface a number from 0x100 on that no other has",
    );
  if (!Number.isInteger(description.version) || description.version < 1)
    return found(["version"], "`version` is not a whole number from 1 on", "start with 1");
  const isListOfTexts =
    Array.isArray(description.errors ?? []) &&
    (description.errors ?? []).every((error) => typeof error === "string");
  if (!isListOfTexts)
    return found(["errors"], "`errors` is not a list of names", '`errors: ["NotFound", "Full"]`');
  if (!isObject(description.methods))
    return found([], "the interface has no `methods`", "add `methods: { … }`");
  const unknown = unknownKey(description, INTERFACE_KEYS);
  if (unknown !== undefined)
    return found(
      unknown,
      `\`${unknown[0]}\` is no property of an interface`,
      didYouMean(unknown[0], INTERFACE_KEYS, `there are ${listed(INTERFACE_KEYS)}`),
    );
  for (const [name, method] of Object.entries(description.methods)) {
    if (!isObject(method))
      return found(
        ["methods", name],
        `method \`${name}\` is not an object`,
        "write `{}` for a method without fields",
      );
    const key = unknownKey(method, METHOD_KEYS);
    if (key !== undefined)
      return found(
        ["methods", name, ...key],
        `\`${key[0]}\` is no property of a method`,
        didYouMean(key[0], METHOD_KEYS, `there are ${listed(METHOD_KEYS)}`),
      );
    for (const part of ["reads", "writes"] as const) {
      const ends: unknown = method[part] ?? [];
      if (
        Array.isArray(ends) &&
        ends.every((end) => (FLOW_ENDS as readonly unknown[]).includes(end))
      )
        continue;
      return found(
        ["methods", name, part],
        `\`${part}\` of \`${name}\` is no list of what programs share`,
        `some of ${FLOW_ENDS.join(", ")}`,
      );
    }
    for (const part of ["takes", "returns"] as const) {
      for (const [field, type] of Object.entries(method[part] ?? {})) {
        if (!isFieldType(type)) {
          return found(
            ["methods", name, part, field],
            `field \`${field}\` has no type that exists`,
            "use u8, u16, u32, u64, i32, i64, bool, enumeration(…), bytes(max), text(max) or handle(to)",
          );
        }
      }
    }
  }
  return [];
}

type Find = (path: readonly string[], message: string, help?: string) => void;
type Fields = Readonly<Record<string, FieldType>>;

const PASCAL_CASE = /^[A-Z][A-Za-z0-9]*$/;
const CAMEL_CASE = /^[a-z][A-Za-z0-9]*$/;

function checkOne(
  { file, description }: LoadedDescription,
  all: readonly LoadedDescription[],
): Finding[] {
  const findings: Finding[] = [];
  const find: Find = (path, message, help) => void findings.push({ file, path, message, help });
  const { name, id, errors = [], methods } = description;

  if (!PASCAL_CASE.test(name))
    find(
      ["name"],
      `\`${name}\` is no name for an interface`,
      "PascalCase: letters and digits, the first a capital",
    );
  if (file.startsWith(KERNEL_FOLDER)) checkKernelId(id, find);
  else checkProgramId(id, freeId(all), find);
  checkErrors(errors, find);

  const count = Object.keys(methods).length;
  if (count > METHODS_MAX)
    find(["methods"], `${count} methods are more than ${METHODS_MAX}`, "split the interface");
  const targets = [...KERNEL_OBJECTS, ...all.map((other) => other.description.name)];
  for (const [method, { takes, returns }] of Object.entries(methods)) {
    const path = ["methods", method];
    checkName(path, "method", method, find);
    checkFields([...path, "takes"], takes ?? {}, targets, find);
    checkFields([...path, "returns"], returns ?? {}, targets, find);
    checkEnumerations([...path, "returns"], takes ?? {}, returns ?? {}, find);
  }
  return findings;
}

function checkKernelId(id: number, find: Find): void {
  if (id < 1 || id >= FIRST_PROGRAM_INTERFACE)
    find(
      ["id"],
      `id ${id} is not one of the kernel's interfaces`,
      "the kernel's own are 1 to 0xff",
    );
}

function checkProgramId(id: number, free: number, find: Find): void {
  if (id < FIRST_PROGRAM_INTERFACE || id > INTERFACE_ID_MAX)
    find(
      ["id"],
      `id ${id} is not one of a program's interfaces`,
      `take a number from 0x100 to 0xffff: 0x${free.toString(16)} is free`,
    );
}

function checkErrors(errors: readonly string[], find: Find): void {
  if (errors.length > ERRORS_MAX)
    find(["errors"], `${errors.length} errors are more than ${ERRORS_MAX}`);
  for (const error of errors) {
    if (!PASCAL_CASE.test(error) || error === "None")
      find(
        ["errors"],
        `\`${error}\` is no name for an error`,
        "PascalCase, and not `None`, which is 0",
      );
  }
  for (const error of findDuplicates(errors))
    find(["errors"], `error \`${error}\` is listed twice`);
}

/** Checks one direction of a method. `targets`: what a handle may name. */
function checkFields(
  path: readonly string[],
  fields: Fields,
  targets: readonly string[],
  find: Find,
): void {
  for (const [field, type] of Object.entries(fields)) {
    checkName([...path, field], "field", field, find);
    checkType([...path, field], field, type, targets, find);
  }
  checkSize(path, fields, find);
}

function checkType(
  path: readonly string[],
  field: string,
  type: FieldType,
  targets: readonly string[],
  find: Find,
): void {
  if (isInArena(type) && !isArenaLength(type.max))
    find(
      path,
      `\`${field}\` may have at most ${String(type.max)} bytes, which is not from 1 to ${ARENA_BYTES_MAX}`,
      "bulk data goes through a memory object",
    );
  if (type.kind === "enumeration") checkValues(path, field, type.names, find);
  if (type.kind === "handle" && !targets.includes(type.to))
    find(
      path,
      `\`${type.to}\` is neither a kernel object nor an interface`,
      didYouMean(type.to, targets),
    );
}

function isArenaLength(bytes: number): boolean {
  return Number.isInteger(bytes) && bytes >= 1 && bytes <= ARENA_BYTES_MAX;
}

function checkValues(
  path: readonly string[],
  field: string,
  names: readonly string[],
  find: Find,
): void {
  if (names.length === 0) find(path, `enumeration \`${field}\` has no names`, "list at least one");
  for (const name of names) {
    if (!CAMEL_CASE.test(name))
      find(path, `\`${name}\` is no name for a value`, "camelCase: letters and digits");
  }
  for (const name of findDuplicates(names)) find(path, `value \`${name}\` is listed twice`);
}

/** Checks that the largest message with these fields fits. */
function checkSize(path: readonly string[], fields: Fields, find: Find): void {
  const layout = layOut(fields);
  if (layout.words > MESSAGE_WORDS_MAX)
    find(
      path,
      `${layout.words} words are more than the ${MESSAGE_WORDS_MAX} of a message`,
      "put a table into a `bytes` field",
    );
  if (layout.handles > MESSAGE_HANDLES_MAX)
    find(path, `${layout.handles} handles are more than the ${MESSAGE_HANDLES_MAX} of a message`);
  // A single field that is too long was reported by checkType.
  const isEachFine = Object.values(fields).every(
    (type) => !isInArena(type) || type.max <= ARENA_BYTES_MAX,
  );
  if (isEachFine && layout.arenaBytes > ARENA_BYTES_MAX)
    find(
      path,
      `the fields may take ${layout.arenaBytes} bytes, more than the ${ARENA_BYTES_MAX} of an arena`,
      "lower a maximum, or use a memory object",
    );
}

/** The generated type is named after the method and the field, so the two must agree. */
function checkEnumerations(
  path: readonly string[],
  takes: Fields,
  returns: Fields,
  find: Find,
): void {
  for (const [field, type] of Object.entries(returns)) {
    const other = takes[field];
    if (type.kind !== "enumeration" || other?.kind !== "enumeration") continue;
    if (type.names.join() === other.names.join()) continue;
    find(
      [...path, field],
      `\`${field}\` is another enumeration in \`takes\``,
      "give the two fields different names",
    );
  }
}

function checkName(
  path: readonly string[],
  kind: keyof typeof TAKEN,
  text: string,
  find: Find,
): void {
  if (!CAMEL_CASE.test(text))
    find(
      path,
      `\`${text}\` is no name for a ${kind}`,
      "camelCase: letters and digits, the first a small letter",
    );
  else if (KEYWORDS.has(text) || TAKEN[kind].has(text))
    find(
      path,
      `\`${text}\` cannot name a ${kind}: the language or the generated code uses the word`,
      "choose another word",
    );
}

function checkUnique(loaded: readonly LoadedDescription[]): Finding[] {
  const findings: Finding[] = [];
  const byId = new Map<number, LoadedDescription>();
  const byName = new Map<string, LoadedDescription>();
  for (const one of loaded) {
    const { id, name } = one.description;
    const sameId = byId.get(id);
    if (sameId !== undefined) {
      const help = `0x${freeId(loaded).toString(16)} is free`;
      findings.push({
        file: one.file,
        path: ["id"],
        message: `id 0x${id.toString(16)} is already that of ${sameId.description.name} (${sameId.file})`,
        help,
      });
    }
    const sameName = byName.get(name);
    if (sameName !== undefined)
      findings.push({
        file: one.file,
        path: ["name"],
        message: `an interface \`${name}\` already exists in ${sameName.file}`,
        help: "choose another name",
      });
    byId.set(id, sameId ?? one);
    byName.set(name, sameName ?? one);
  }
  return findings;
}

/** The lowest number for programs that none of `loaded` has. */
export function freeId(loaded: readonly LoadedDescription[]): number {
  const taken = new Set(loaded.map((one) => one.description.id));
  let id = FIRST_PROGRAM_INTERFACE;
  while (taken.has(id)) id++;
  return id;
}

function isFieldType(type: unknown): type is FieldType {
  if (!isObject(type)) return false;
  const { kind } = type as { kind?: unknown };
  if (kind === "scalar") return SCALARS.includes((type as { name?: string }).name ?? "");
  if (kind === "enumeration") return Array.isArray((type as { names?: unknown }).names);
  if (kind === "handle") return typeof (type as { to?: unknown }).to === "string";
  return kind === "bytes" || kind === "text";
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function unknownKey(object: object, known: readonly string[]): readonly [string] | undefined {
  const unknown = Object.keys(object).find((key) => !known.includes(key));
  return unknown === undefined ? undefined : [unknown];
}

function listed(keys: readonly string[]): string {
  return keys.map((key) => `\`${key}\``).join(", ");
}

function findDuplicates(names: readonly string[]): string[] {
  return names.filter((name, index) => names.indexOf(name) !== index);
}
