/**
 * The generated AssemblyScript of one program: its initial handles, by the names of its manifest.
 */
import type { ProgramDescription } from "../../vocabulary/program.ts";
import type { InterfaceDescription } from "../../vocabulary/interface.ts";
import { constant } from "./names.ts";
import { SourceWriter } from "./source-writer.ts";

/**
 * HANDLE_INDEX_FIRST_NAMED and INITIAL_GENERATION of kernel/abi/system-call.ts (a test compares
 * them).
 */
const FIRST_NAMED = 4;
const GENERATION = 1;

interface ProgramHandle {
  readonly name: string;
  readonly group: "serves" | "uses" | "kernel" | "devices";
  /** The interface that the handle is called by. */
  readonly interfaceName: string;
  readonly number: number;
}

/** The handles that the manifest names, with the numbers that they have in every instance. */
export function programHandles(program: ProgramDescription): ProgramHandle[] {
  const named: Omit<ProgramHandle, "number">[] = [
    ...entries(program.serves).map(([name, to]) => ({
      name,
      group: "serves" as const,
      interfaceName: (to as InterfaceDescription).name,
    })),
    ...entries(program.uses).map(([name, to]) => ({
      name,
      group: "uses" as const,
      interfaceName: (to as InterfaceDescription).name,
    })),
    ...entries(program.kernel).map(([name, to]) => ({
      name,
      group: "kernel" as const,
      interfaceName: to,
    })),
    ...entries(program.devices).map(([name, to]) => ({
      name,
      group: "devices" as const,
      interfaceName: to === "ports" ? "Ports" : "Interrupt",
    })),
  ];
  return named.map((handle, index) => ({
    ...handle,
    number: GENERATION * 0x10000 + FIRST_NAMED + index,
  }));
}

export function programFile(program: ProgramDescription, manifest: string): string {
  const handles = programHandles(program);
  const out = new SourceWriter();
  out.line(`// Generated from ${manifest}. Do not edit.`).line();

  const clients = [
    ...new Set(
      handles.filter((handle) => handle.group !== "serves").map((handle) => handle.interfaceName),
    ),
  ].sort();
  for (const name of clients) out.line(`import { ${name}Client } from "../interfaces/${name}";`);
  const log = handles.find((handle) => handle.interfaceName === "Log");
  if (log !== undefined)
    out.line('import { logFailuresTo } from "../../../services/runtime/abort";');
  out.line();

  for (const { name, group, interfaceName, number } of handles) {
    const value = `0x${number.toString(16)}`;
    if (group === "serves") {
      out.doc(`The endpoint \`${name}\` that this program serves, of interface ${interfaceName}.`);
      out.line(`export const ${constant(name)}_ENDPOINT: u32 = ${value};`);
    } else {
      out.doc(ABOUT[group](interfaceName));
      out.line(
        `export const ${name}: ${interfaceName}Client = changetype<${interfaceName}Client>(<usize>${value});`,
      );
    }
  }
  if (log !== undefined) out.line().line(`logFailuresTo(${log.name});`);
  return out.toString();
}

const ABOUT = {
  uses: (name: string): string => `Another program's endpoint of interface ${name}.`,
  kernel: (name: string): string => `The kernel's ${name}.`,
  devices: (name: string): string =>
    name === "Ports"
      ? "The I/O ports that the image grants."
      : "The interrupt line that the image grants.",
} as const;

function entries<T>(record: Readonly<Record<string, T>> | undefined): [string, T][] {
  return Object.entries(record ?? {});
}
