/**
 * What the compiler knows, as data for other tools: queries, graphs, reports. Written beside the
 * blob; the kernel never sees it.
 */
import type { Matrix } from "./close.ts";
import { type Model, PERMISSION_NAMES } from "./model.ts";

const EVENT_NAMES = ["request", "response", "error", "execute"] as const;

export interface Sidecar {
  readonly format: 1;
  readonly image: string;
  readonly version: number;
  readonly classes: readonly {
    readonly id: number;
    readonly name: string;
    readonly file?: string;
    readonly line?: number;
  }[];
  readonly interfaces: readonly {
    readonly id: number;
    readonly name: string;
    readonly version: number;
    readonly methods: readonly string[];
    readonly errors: readonly string[];
  }[];
  readonly programs: readonly {
    readonly name: string;
    readonly folder: string;
    readonly digest: string;
    readonly verified: boolean;
  }[];
  readonly slots: readonly {
    readonly name: string;
    readonly class: string;
    readonly program: string;
    readonly handles: readonly string[];
  }[];
  readonly rules: readonly {
    readonly number: number;
    readonly kind: "allow" | "require" | "grant" | "execute";
    readonly events: readonly string[];
    readonly interface?: string;
    readonly methods: readonly string[];
    readonly conditional: boolean;
    readonly audit: boolean;
    readonly file: string;
    readonly line: number;
    readonly text: string;
  }[];
  readonly pairs: readonly {
    readonly subject: string;
    readonly target: string;
    readonly interface?: string;
    readonly rules: readonly number[];
    readonly plain: readonly string[];
  }[];
  readonly execute: readonly {
    readonly class: string;
    readonly program: string;
    readonly rule: number;
  }[];
  /** Worst case of a decision, in instructions. */
  readonly costs: readonly {
    readonly subject: string;
    readonly target: string;
    readonly interface: string;
    readonly method: string;
    readonly instructions: number;
  }[];
}

export function describeSystem(model: Model, matrix: Matrix): Sidecar {
  const className = (id: number): string => model.classes[id]?.name ?? "";
  const interfaces = new Map(model.interfaces.map((known) => [known.id, known]));
  const names = (bits: bigint, of: readonly string[]): readonly string[] =>
    of.filter((_, i) => (bits >> BigInt(i)) & 1n);
  const methodNames = (interfaceId: number): readonly string[] =>
    interfaces.get(interfaceId)?.methods.map((method) => method.name) ?? PERMISSION_NAMES;
  const interfaceOf = (interfaceId: number): { readonly interface?: string } => {
    const name = interfaces.get(interfaceId)?.name;
    return name === undefined ? {} : { interface: name };
  };
  return {
    format: 1,
    image: model.imageName,
    version: model.version,
    classes: model.classes.flatMap((known) =>
      known === undefined
        ? []
        : {
            id: known.id,
            name: known.name,
            ...(known.span === undefined ? {} : { file: known.span.file, line: known.span.line }),
          },
    ),
    interfaces: model.interfaces.map(({ id, name, version, methods, errors }) => ({
      id,
      name,
      version,
      methods: methods.map((method) => method.name),
      errors,
    })),
    programs: model.programs.map(({ name, folder, digest, verified }) => ({
      name,
      folder,
      digest: hex(digest),
      verified,
    })),
    slots: model.slots.map((slot) => ({
      name: slot.name,
      class: className(slot.classId),
      program: model.programs[slot.program]?.name ?? "",
      handles: slot.handles.map((handle) => handle.name),
    })),
    rules: model.rules.map((rule) => ({
      number: rule.number,
      kind:
        rule.kind === "execute"
          ? "execute"
          : rule.kind === "permission"
            ? "grant"
            : rule.isRequire
              ? "require"
              : "allow",
      events: EVENT_NAMES.filter((_, i) => (rule.events >> i) & 1),
      ...interfaceOf(rule.interfaceId),
      methods: rule.kind === "execute" ? [] : names(rule.methods, methodNames(rule.interfaceId)),
      conditional: rule.condition !== undefined,
      audit: rule.recorded !== 0,
      file: rule.span.file,
      line: rule.span.line,
      text: rule.text,
    })),
    pairs: matrix.pairs.map((pair) => ({
      subject: className(pair.subject),
      target: className(pair.target),
      ...interfaceOf(pair.interfaceId),
      rules: pair.rules.map((rule) => rule.number),
      plain: names(
        pair.plain[0] & (interfaces.has(pair.interfaceId) ? pair.plain[1] : pair.plain[0]),
        methodNames(pair.interfaceId),
      ),
    })),
    execute: model.execute.map((grant) => ({
      class: className(grant.classId),
      program: model.programs[grant.program]?.name ?? "",
      rule: grant.rule,
    })),
    costs: matrix.costs.map((cost) => ({
      subject: className(cost.subject),
      target: className(cost.target),
      interface: interfaces.get(cost.interfaceId)?.name ?? "",
      method: methodNames(cost.interfaceId)[cost.method] ?? "",
      instructions: cost.instructions,
    })),
  };
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
