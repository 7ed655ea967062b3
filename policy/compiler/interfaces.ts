/** Interface descriptions → messages as words: what the monitor checks and what conditions read. */
import { CLASS_KERNEL, METHODS_MAX } from "../../kernel/abi/blob.ts";
import { FIRST_PROGRAM_INTERFACE, ObjectType } from "../../kernel/abi/object.ts";
import {
  ARENA_BYTES_MAX,
  MESSAGE_HANDLES_MAX,
  MESSAGE_WORDS_MAX,
} from "../../kernel/abi/system-call.ts";
import {
  FLOW_ENDS,
  type FieldType,
  type InterfaceDescription,
  type MethodDescription,
} from "../../toolchain/vocabulary/interface.ts";
import { SCALAR_MAX } from "../../toolchain/idl/model.ts";
import type { Diagnostic } from "../../toolchain/report/diagnostic.ts";
import { didYouMean } from "../../toolchain/report/suggest.ts";
import type { Field, Interface, Method } from "./model.ts";

/** Above it are the numbers that rules use for permissions and execution. */
const INTERFACE_ID_MAX = 0xfeff;

/** Ascending by id. The same description may come several times. */
export function readInterfaces(descriptions: Iterable<InterfaceDescription>): {
  readonly interfaces: readonly Interface[];
  readonly diagnostics: readonly Diagnostic[];
} {
  const diagnostics: Diagnostic[] = [];
  const byId = new Map<number, InterfaceDescription>();
  const byName = new Map<string, InterfaceDescription>();
  for (const description of descriptions) {
    const other = byId.get(description.id) ?? byName.get(description.name);
    if (other !== undefined) {
      if (JSON.stringify(other) !== JSON.stringify(description)) {
        diagnostics.push(
          error(
            `the interfaces ${other.name} and ${description.name} both have ${other.id === description.id ? `the id ${description.id}` : "that name"}`,
            "give one of them another",
          ),
        );
      }
      continue;
    }
    byId.set(description.id, description);
    byName.set(description.name, description);
  }
  const interfaces = [...byId.values()]
    .sort((a, b) => a.id - b.id)
    .map((description) => readInterface(description, byName, diagnostics));
  return { interfaces, diagnostics };
}

function readInterface(
  description: InterfaceDescription,
  known: ReadonlyMap<string, InterfaceDescription>,
  diagnostics: Diagnostic[],
): Interface {
  const { name, id, version } = description;
  if (!Number.isInteger(id) || id < 1 || id > INTERFACE_ID_MAX)
    diagnostics.push(
      error(`interface ${name}: the id ${id} is not between 1 and ${INTERFACE_ID_MAX}`),
    );
  if (!/^\w{1,63}$/.test(name))
    diagnostics.push(
      error(`interface ${JSON.stringify(name)}: a name is 1 to 63 letters, digits and _`),
    );
  const entries = Object.entries(description.methods);
  if (entries.length > METHODS_MAX)
    diagnostics.push(
      error(`interface ${name} has ${entries.length} methods`, `at most ${METHODS_MAX}`),
    );
  const methods = entries.map(([methodName, method], number): Method => {
    if (!/^\w{1,63}$/.test(methodName))
      diagnostics.push(error(`${name}.${methodName}: a name is 1 to 63 letters, digits and _`));
    const read = (fields: Readonly<Record<string, FieldType>> | undefined, side: string) =>
      readFields(fields ?? {}, `${name}.${methodName}, ${side}`, known, diagnostics);
    const { reads = [], writes = [] } = method;
    diagnostics.push(...checkFlowEnds(`${name}.${methodName}`, id, method));
    return {
      number,
      name: methodName,
      request: read(method.takes, "takes"),
      response: read(method.returns, "returns"),
      reads,
      writes,
    };
  });
  return { id, version, name, methods, errors: description.errors ?? [] };
}

/**
 * A kernel method that says nothing could carry anything between any two programs, and no `never
 * flow` would see it.
 */
function checkFlowEnds(
  method: string,
  id: number,
  { reads, writes, returns }: MethodDescription,
): readonly Diagnostic[] {
  if (id >= CLASS_KERNEL) {
    return reads === undefined && writes === undefined
      ? []
      : [
          error(
            `${method}: only methods of kernel objects say what they read and write`,
            "take `reads` and `writes` out",
          ),
        ];
  }
  const ends = FLOW_ENDS.map((end) => `"${end}"`).join(", ");
  const unknown = [...(reads ?? []), ...(writes ?? [])].find((end) => !FLOW_ENDS.includes(end));
  if (unknown !== undefined)
    return [
      error(
        `${method} reads or writes \`${unknown}\`, which is nothing that programs share`,
        `one of ${ends}`,
      ),
    ];
  if (Object.keys(returns ?? {}).length > 0 && (reads ?? []).length === 0) {
    return [
      error(
        `the kernel method ${method} returns something and does not say what it reads`,
        `\`reads: ["own"]\`, or others of ${ends}`,
      ),
    ];
  }
  if ((reads ?? []).length + (writes ?? []).length > 0) return [];
  return [
    error(
      `the kernel method ${method} does not say what it reads or writes`,
      `\`writes: ["own"]\`, or others of ${ends}`,
    ),
  ];
}

function readFields(
  fields: Readonly<Record<string, FieldType>>,
  where: string,
  known: ReadonlyMap<string, InterfaceDescription>,
  diagnostics: Diagnostic[],
): readonly Field[] {
  let words = 0;
  let handles = 0;
  const result = Object.entries(fields).map(([name, type]): Field => {
    if (!/^\w{1,63}$/.test(name))
      diagnostics.push(error(`${where}: ${JSON.stringify(name)} is no name of a field`));
    if (type.kind === "handle") {
      handles += 1;
      return {
        name,
        kind: "handle",
        max: BigInt(handleTarget(type.to, where, known, diagnostics)),
        word: undefined,
        type: `handle(${type.to})`,
      };
    }
    const word = words++;
    if (type.kind === "scalar")
      return {
        name,
        kind: type.name.startsWith("i") ? "signed" : "unsigned",
        max: SCALAR_MAX[type.name],
        word,
        type: type.name,
      };
    if (type.kind === "enumeration") {
      if (type.names.length === 0)
        diagnostics.push(error(`${where}: the enumeration ${name} has no names`));
      return {
        name,
        kind: "unsigned",
        max: BigInt(Math.max(0, type.names.length - 1)),
        word,
        type: "enumeration",
        names: type.names,
      };
    }
    if (!Number.isInteger(type.max) || type.max < 0 || type.max > ARENA_BYTES_MAX)
      diagnostics.push(
        error(`${where}: ${name} is longer than an arena`, `at most ${ARENA_BYTES_MAX} bytes`),
      );
    return {
      name,
      kind: type.kind,
      max: BigInt(type.max),
      word,
      type: `${type.kind}(${type.max})`,
    };
  });
  if (words > MESSAGE_WORDS_MAX)
    diagnostics.push(
      error(`${where}: ${words} words`, `a message has at most ${MESSAGE_WORDS_MAX}`),
    );
  if (handles > MESSAGE_HANDLES_MAX)
    diagnostics.push(
      error(`${where}: ${handles} handles`, `a message carries at most ${MESSAGE_HANDLES_MAX}`),
    );
  return result;
}

/** Number of the object type, or the id of the interface whose endpoint it is. */
function handleTarget(
  to: string,
  where: string,
  known: ReadonlyMap<string, InterfaceDescription>,
  diagnostics: Diagnostic[],
): number {
  const description = known.get(to);
  if (description !== undefined && (description.id >= FIRST_PROGRAM_INTERFACE || !isObjectType(to)))
    return description.id;
  if (isObjectType(to)) return ObjectType[to];
  const names = [...known.keys(), ...Object.keys(ObjectType).filter(isObjectType)];
  const help = didYouMean(to, names, "an object type (`Memory`, `Notice`, …) or an interface");
  diagnostics.push(error(`${where}: handle to unknown \`${to}\``, help));
  return 0;
}

function isObjectType(name: string): name is Exclude<keyof typeof ObjectType, "None"> {
  return /^[A-Z]/.test(name) && name !== "None" && Object.hasOwn(ObjectType, name);
}

function error(message: string, help?: string): Diagnostic {
  return { severity: "error", message, ...(help === undefined ? {} : { help }) };
}
