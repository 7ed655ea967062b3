/**
 * The include file of a program written in NASM: its initial handles, and the headers and
 * enumerations of each interface that it calls.
 */
import type { ProgramDescription } from "../../vocabulary/program.ts";
import { buildModel, type InterfaceModel, REGISTER_WORDS } from "../model.ts";
import { constant } from "./names.ts";
import { programHandles } from "./program-file.ts";

/** The header word of kernel/abi/system-call.ts. */
const INTERFACE_SHIFT = 16;
const METHOD_SHIFT = 4;

export function assemblyFile(program: ProgramDescription, manifest: string): string {
  const handles = programHandles(program).map(({ name, number }) =>
    define(`HANDLE_${constant(name)}`, number),
  );
  const called = new Map(
    Object.values(program.uses ?? {}).map((description) => [
      description.name,
      buildModel("", description),
    ]),
  );
  return [
    `; Generated from ${manifest}. Do not edit.`,
    ...handles,
    ...[...called.values()].flatMap(interfaceLines),
  ]
    .join("\n")
    .concat("\n");
}

function interfaceLines(model: InterfaceModel): string[] {
  const prefix = constant(model.name);
  return model.methods.flatMap((method) => {
    const name = `${prefix}_${constant(method.name)}`;
    const words = Math.min(method.request.words, REGISTER_WORDS);
    const enumerations = [...method.request.fields, ...method.answer.fields].flatMap(
      ({ name: field, type }) =>
        type.kind !== "enumeration"
          ? []
          : type.names.map((value, index) =>
              define(`${name}_${constant(field)}_${constant(value)}`, index),
            ),
    );
    return [
      "",
      define(
        `${name}_HEADER`,
        model.id * 2 ** INTERFACE_SHIFT + (method.index << METHOD_SHIFT) + words,
      ),
      ...enumerations,
    ];
  });
}

function define(name: string, value: number): string {
  return `%define ${name} 0x${value.toString(16)}`;
}
