/**
 * What the kernel knows of all its interfaces: the sizes of its methods' messages, which its
 * dispatch reads, and a digest of each interface, which the monitor compares with the blob's.
 */
import { createHash } from "node:crypto";
import { FieldKind } from "../../../kernel/abi/blob.ts";
import { FIRST_PROGRAM_INTERFACE, ObjectType } from "../../../kernel/abi/object.ts";
import type { FieldType } from "../../vocabulary/interface.ts";
import { type InterfaceModel, type Layout, SCALAR_MAX } from "../model.ts";
import { SourceWriter } from "./source-writer.ts";

export function isKernelInterface({ id }: InterfaceModel): boolean {
  return id < FIRST_PROGRAM_INTERFACE;
}

/** Sizes of the messages of every method that a kernel object has. `kernel`: ascending by id. */
export function methodShapesFile(kernel: readonly InterfaceModel[]): string {
  const byType = new Map(kernel.map((model) => [model.id, model]));
  const methods = kernel
    .filter(({ id }) => id <= ObjectType.System)
    .flatMap(({ methods }) => methods);
  const layouts = methods.flatMap(({ request, answer }) => [request, answer]);
  const out = new SourceWriter();
  out.line("// Generated from services/interfaces/kernel. Do not edit.").line();
  out.doc("Types of kernel objects that have methods are below it.");
  out.line(`export const OBJECT_TYPES: u32 = ${ObjectType.System + 1};`);
  out.doc("The most words that a response has, and the most bytes that a text has.");
  out.line(
    `export const RESPONSE_WORDS_MAX: u32 = ${Math.max(...methods.map(({ answer }) => answer.words))};`,
  );
  out.line(
    `export const TEXT_BYTES_MAX: u32 = ${Math.max(...layouts.map(({ arenaBytes }) => arenaBytes))};`,
  );
  out.line();

  out.doc("By object type, u8 each: number of the first method, and how many there are.");
  out.line("export const METHOD_RANGES: usize = memory.data<u8>([");
  let first = 0;
  for (let type = 0; type <= ObjectType.System; type++) {
    const count = byType.get(type)?.methods.length ?? 0;
    out.line(`  ${first}, ${count}, // ${ObjectType[type]}`);
    first += count;
  }
  out.line("]);").line();

  out.doc(
    "By method, u8 each: words of the request, words of the response, 1 if the response has a text, 0.",
  );
  out.line("export const METHOD_SHAPES: usize = memory.data<u8>([");
  for (const { id, name: interfaceName, methods } of kernel) {
    if (id > ObjectType.System) continue;
    for (const { name, request, answer } of methods)
      out.line(
        `  ${request.words}, ${answer.words}, ${answer.arenaBytes > 0 ? 1 : 0}, 0, // ${interfaceName}.${name}`,
      );
  }
  out.line("]);");
  return out.toString();
}

/** The digests that kernel/monitor/blob/kernel.ts computes of a blob's interfaces. */
export function interfaceDigestsFile(kernel: readonly InterfaceModel[]): string {
  const out = new SourceWriter();
  out.line("// Generated from services/interfaces/kernel. Do not edit.").line();
  out.line(`export const KERNEL_INTERFACE_COUNT: u32 = ${kernel.length};`);
  out.line("export const KERNEL_INTERFACE_BYTES: u32 = 33;");
  out.doc("Of each interface of the kernel its number, and the SHA-256 of what a blob says of it.");
  out.line("export const KERNEL_INTERFACES: usize = memory.data<u8>([");
  for (const model of kernel) {
    out.line(`  // ${model.name}, version ${model.version}`);
    out.line(`  ${[model.id, ...interfaceDigest(model)].join(", ")},`);
  }
  out.line("]);");
  return out.toString();
}

/**
 * SHA-256 of number, version, numbers of methods and errors, and name; of each method the numbers
 * of its fields, and its name; of each field its kind, its largest value, and its name. Numbers are
 * u32, largest values u64, names end with a zero.
 */
export function interfaceDigest({
  id,
  version,
  name,
  methods,
  errors,
}: InterfaceModel): Uint8Array {
  const hash = createHash("sha256");
  const numbers = (...values: readonly number[]): void =>
    void hash.update(new Uint8Array(Uint32Array.from(values).buffer));
  const text = (value: string): void => void hash.update(`${value}\0`);
  const fields = (layout: Layout): void => {
    for (const field of layout.fields) {
      const { kind, max } = fieldShape(field.type);
      numbers(kind, Number(max & 0xffff_ffffn), Number(max >> 32n));
      text(field.name);
    }
  };
  numbers(id, version, methods.length, errors.length);
  text(name);
  for (const { name: methodName, request, answer } of methods) {
    numbers(request.fields.length, answer.fields.length);
    text(methodName);
    fields(request);
    fields(answer);
  }
  return hash.digest();
}

/** How a blob describes a field. */
function fieldShape(type: FieldType): { readonly kind: FieldKind; readonly max: bigint } {
  switch (type.kind) {
    case "scalar":
      return {
        kind: type.name.startsWith("i") ? FieldKind.Signed : FieldKind.Unsigned,
        max: SCALAR_MAX[type.name],
      };
    case "enumeration":
      return { kind: FieldKind.Unsigned, max: BigInt(type.names.length - 1) };
    case "bytes":
    case "text":
      return {
        kind: type.kind === "bytes" ? FieldKind.Bytes : FieldKind.Text,
        max: BigInt(type.max),
      };
    case "handle":
      throw new Error("the kernel's messages carry no handles");
  }
}
