/**
 * What the names of a system mean: classes, interfaces, methods, permissions, constants, and what
 * modules offer one another.
 */
import { CLASSES_MAX, CLASS_KERNEL, FIRST_PROGRAM_CLASS } from "../../kernel/abi/blob.ts";
import { didYouMean } from "../../toolchain/report/suggest.ts";
import { resolveValue } from "./condition.ts";
import { readInterfaces } from "./interfaces.ts";
import { type Help, Mistakes } from "./mistakes.ts";
import {
  type Interface,
  KERNEL_CLASSES,
  type Method,
  PERMISSION_NAMES,
  type PolicyClass,
  type SystemInput,
  permissionNumber,
} from "./model.ts";
import type { Classes, InterfaceStatement, Methods, Module, Name, Path, Span } from "./syntax.ts";

/** A class, and the interface of it that is meant where one was written. */
export interface Target {
  readonly policyClass: PolicyClass;
  readonly targetInterface: Interface | undefined;
  readonly path: Path;
}

/** What the parameters of an interface mean. */
export interface Environment {
  readonly classes: ReadonlyMap<string, PolicyClass>;
  readonly values: ReadonlyMap<string, bigint>;
  /** The module that uses the interface; undefined outside interfaces. */
  readonly user: Module | undefined;
}
export const NOTHING: Environment = { classes: new Map(), values: new Map(), user: undefined };

/** What a module offers to others, or has for itself. */
export interface Offer {
  readonly statement: InterfaceStatement;
  readonly module: Module;
}

/** Names of a system. Answers undefined where a name means nothing, with an error recorded. */
export class Names {
  readonly mistakes = new Mistakes();
  readonly classes = new Map<string, PolicyClass>();
  readonly interfaces: readonly Interface[];
  /** Interfaces that each class serves, as far as the image has slots of it. */
  private readonly served = new Map<number, readonly Interface[]>();
  private readonly constants = new Map<string, Map<string, bigint>>();
  private readonly offers = new Map<string, Map<string, Offer>>();

  constructor(input: SystemInput, modules: readonly Module[]) {
    const read = readInterfaces([
      ...input.interfaces,
      ...input.programs.flatMap(({ description }) => [
        ...Object.values(description.serves ?? {}),
        ...Object.values(description.uses ?? {}),
      ]),
    ]);
    this.interfaces = read.interfaces;
    this.mistakes.add(read.diagnostics);
    KERNEL_CLASSES.forEach((name, id) => {
      if (name !== "")
        this.classes.set(`kernel.${name}`, {
          id,
          name: `kernel.${name}`,
          module: undefined,
          span: undefined,
        });
    });
    this.classes.set("kernel", {
      id: CLASS_KERNEL,
      name: "kernel",
      module: undefined,
      span: undefined,
    });
    this.declare(modules);
    for (const { program, class: className } of Object.values(input.image.slots)) {
      const policyClass = this.classes.get(className);
      const description = input.programs.find(
        (candidate) => candidate.folder === program,
      )?.description;
      if (policyClass === undefined || description === undefined) continue;
      const ids = new Set([
        ...(this.served.get(policyClass.id) ?? []).map((known) => known.id),
        ...Object.values(description.serves ?? {}).map((served) => served.id),
      ]);
      this.served.set(
        policyClass.id,
        this.interfaces.filter((known) => ids.has(known.id)),
      );
    }
  }

  private declare(modules: readonly Module[]): void {
    const byName = new Map<string, Module>();
    let nextClass = FIRST_PROGRAM_CLASS;
    for (const module of modules) {
      const other = byName.get(module.name.text);
      if (other !== undefined)
        this.refuse(
          module.name.span,
          `the module \`${module.name.text}\` is also in ${other.file}`,
          "give one of them another name",
        );
      byName.set(module.name.text, module);
      const constants = new Map<string, bigint>();
      const offers = new Map<string, Offer>();
      this.constants.set(module.name.text, constants);
      this.offers.set(module.name.text, offers);
      for (const statement of module.statements) {
        if (statement.kind === "class") {
          for (const { text, span } of statement.names) {
            const declared = this.classes.get(text);
            if (declared !== undefined) {
              const where =
                declared.span === undefined
                  ? "is the kernel's own"
                  : `is declared in ${declared.span.file}:${declared.span.line}`;
              this.refuse(
                span,
                `the class \`${text}\` ${where}`,
                "a class is declared once in a system",
              );
            } else if (text.length > 63) {
              this.refuse(span, `the name \`${text}\` is too long`, "at most 63 characters");
            } else {
              this.classes.set(text, {
                id: nextClass++,
                name: text,
                module: module.name.text,
                span,
              });
            }
          }
        } else if (statement.kind === "const") {
          if (constants.has(statement.name.text))
            this.refuse(
              statement.name.span,
              `the constant \`${statement.name.text}\` is declared twice`,
            );
          const value = resolveValue(
            statement.value,
            { method: `module ${module.name.text}`, side: "request", fields: [], constants },
            undefined,
            this.mistakes,
          );
          if (value !== undefined) constants.set(statement.name.text, value);
        } else if (statement.kind === "interface") {
          if (offers.has(statement.name.text))
            this.refuse(
              statement.name.span,
              `the interface \`${statement.name.text}\` is declared twice`,
            );
          offers.set(statement.name.text, { statement, module });
        }
      }
    }
    if (nextClass > CLASSES_MAX) {
      const message = `the policies declare ${nextClass - FIRST_PROGRAM_CLASS} classes`;
      this.mistakes.add([
        { severity: "error", message, help: `at most ${CLASSES_MAX - FIRST_PROGRAM_CLASS}` },
      ]);
    }
  }

  /** Constants of the module, and the values of an interface's parameters. */
  constantsOf(module: string, { values }: Environment = NOTHING): ReadonlyMap<string, bigint> {
    const constants = this.constants.get(module) ?? new Map<string, bigint>();
    return values.size === 0 ? constants : new Map([...constants, ...values]);
  }

  /** Names of the open interfaces of a module, with its own if it is `asking`. */
  openTo(module: string, asking?: string): readonly string[] {
    return [...(this.offers.get(module) ?? [])]
      .filter(([, { statement }]) => statement.isOpen || module === asking)
      .map(([name]) => name);
  }

  programClasses(): readonly PolicyClass[] {
    return [...this.classes.values()].filter((known) => known.span !== undefined);
  }

  servedBy(policyClass: PolicyClass): readonly Interface[] {
    const own = this.interfaces.find((known) => known.id === policyClass.id);
    if (policyClass.id < CLASS_KERNEL) return own === undefined ? [] : [own];
    return this.served.get(policyClass.id) ?? [];
  }

  hasSlot(policyClass: PolicyClass): boolean {
    return this.served.has(policyClass.id);
  }

  /** A class by itself. */
  class(path: Path, environment: Environment = NOTHING): PolicyClass | undefined {
    const read = this.leadingClass(path, environment);
    if (read === undefined) return undefined;
    const extra = path.segments[read.used];
    if (extra !== undefined)
      return this.refuse(
        extra.span,
        `a class is expected here, not \`${written(path)}\``,
        `\`${written(path, read.used)}\``,
      );
    return read.policyClass;
  }

  /** The class that a path starts with, and how many of its segments say so. */
  private leadingClass(
    path: Path,
    environment: Environment,
  ): { readonly policyClass: PolicyClass; readonly used: number } | undefined {
    const [first, second] = path.segments;
    if (first === undefined) return undefined;
    const parameter = environment.classes.get(first.text);
    if (parameter !== undefined) return { policyClass: parameter, used: 1 };
    if (first.text === "kernel" && second !== undefined) {
      const policyClass = this.classes.get(`kernel.${second.text}`);
      if (policyClass !== undefined) return { policyClass, used: 2 };
      return this.refuse(second.span, `the kernel has no objects of class \`${second.text}\``, () =>
        didYouMean(
          second.text,
          KERNEL_CLASSES.filter((name) => name !== ""),
          `one of ${KERNEL_CLASSES.filter((name) => name !== "").join(", ")}`,
        ),
      );
    }
    const policyClass = this.classes.get(first.text);
    if (policyClass !== undefined) return { policyClass, used: 1 };
    const names = () => [
      ...this.programClasses().map((known) => known.name),
      ...environment.classes.keys(),
      "kernel",
      "any",
    ];
    return this.refuse(first.span, `unknown class \`${first.text}\``, () =>
      didYouMean(first.text, names(), `declare it: \`class ${first.text}\``),
    );
  }

  /** `Class`, `Class.Interface`. */
  target(path: Path, environment: Environment): Target | undefined {
    const read = this.leadingClass(path, environment);
    if (read === undefined) return undefined;
    const { policyClass, used } = read;
    const [name, extra] = path.segments.slice(used);
    if (extra !== undefined)
      return this.refuse(
        extra.span,
        `\`${written(path)}\` is too long for a target`,
        "`Class.Interface { methods }`",
      );
    if (name === undefined) return { policyClass, targetInterface: undefined, path };
    const targetInterface = this.interfaceOf(policyClass, name);
    return targetInterface === undefined ? undefined : { policyClass, targetInterface, path };
  }

  /**
   * `Class.method`, `Class.Interface.method`: for `expect` and `never`. With `method` undefined
   * if the path ends before it.
   */
  method(path: Path):
    | {
        readonly policyClass: PolicyClass;
        readonly targetInterface: Interface | undefined;
        readonly method: Method | undefined;
      }
    | undefined {
    const read = this.leadingClass(path, NOTHING);
    if (read === undefined) return undefined;
    const { policyClass, used } = read;
    const [first, second, extra] = path.segments.slice(used);
    if (extra !== undefined)
      return this.refuse(
        extra.span,
        `\`${written(path)}\` is too long`,
        "`Class.Interface.method`",
      );
    if (first === undefined) return { policyClass, targetInterface: undefined, method: undefined };
    if (second !== undefined) {
      const targetInterface = this.interfaceOf(policyClass, first);
      if (targetInterface === undefined) return undefined;
      const method = this.methodOf(targetInterface, second);
      return method === undefined ? undefined : { policyClass, targetInterface, method };
    }
    const served = this.servedBy(policyClass);
    const holders = served.filter((known) =>
      known.methods.some((method) => method.name === first.text),
    );
    const targetInterface = served.find((known) => known.name === first.text);
    if (targetInterface !== undefined && holders.length === 0)
      return { policyClass, targetInterface, method: undefined };
    const [holder, another] = holders;
    if (holder !== undefined && another !== undefined)
      return this.refuse(
        first.span,
        `${policyClass.name} serves several interfaces with a method \`${first.text}\``,
        `\`${policyClass.name}.${holder.name}.${first.text}\``,
      );
    if (holder !== undefined)
      return {
        policyClass,
        targetInterface: holder,
        method: holder.methods.find((method) => method.name === first.text),
      };
    if (served.length === 0) {
      const known = this.interfaces.find((candidate) => candidate.name === first.text);
      if (known !== undefined) return { policyClass, targetInterface: known, method: undefined };
      return this.refuse(
        first.span,
        `the image has no slot of class ${policyClass.name}, so it is not known what \`${first.text}\` is`,
        `\`${policyClass.name}.Interface.${first.text}\``,
      );
    }
    const names = served.flatMap((known) => [
      known.name,
      ...known.methods.map((method) => method.name),
    ]);
    return this.refuse(
      first.span,
      `${policyClass.name} serves no method or interface \`${first.text}\``,
      () => didYouMean(first.text, names),
    );
  }

  private interfaceOf(policyClass: PolicyClass, name: Name): Interface | undefined {
    const served = this.servedBy(policyClass);
    const known = this.interfaces.find((candidate) => candidate.name === name.text);
    const isServed = known !== undefined && served.some((candidate) => candidate.id === known.id);
    if (known === undefined) {
      const candidates = served.length > 0 ? served : this.interfaces;
      return this.refuse(name.span, `unknown interface \`${name.text}\``, () =>
        didYouMean(
          name.text,
          candidates.map((candidate) => candidate.name),
        ),
      );
    }
    if (!isServed && (this.hasSlot(policyClass) || policyClass.span === undefined)) {
      return this.refuse(
        name.span,
        `${policyClass.name} does not serve ${name.text}`,
        served.length === 0
          ? "it serves nothing"
          : `it serves ${served.map((candidate) => candidate.name).join(", ")}`,
      );
    }
    return known;
  }

  methodOf(targetInterface: Interface, name: Name): Method | undefined {
    const method = targetInterface.methods.find((candidate) => candidate.name === name.text);
    if (method !== undefined) return method;
    return this.refuse(
      name.span,
      `the interface ${targetInterface.name} has no method \`${name.text}\``,
      () =>
        didYouMean(
          name.text,
          targetInterface.methods.map((candidate) => candidate.name),
        ),
    );
  }

  /** Bits of the methods named; 0, with errors recorded, where one does not exist. */
  methodBits(targetInterface: Interface, methods: Methods): bigint {
    if (methods.all)
      return targetInterface.methods.reduce(
        (bits, method) => bits | (1n << BigInt(method.number)),
        0n,
      );
    let bits = 0n;
    let isComplete = true;
    for (const name of methods.names) {
      const method = this.methodOf(targetInterface, name);
      if (method === undefined) isComplete = false;
      else bits |= 1n << BigInt(method.number);
    }
    return isComplete ? bits : 0n;
  }

  permissionBits(methods: Methods): bigint {
    if (methods.all) return (1n << BigInt(PERMISSION_NAMES.length)) - 1n;
    let bits = 0n;
    let isComplete = true;
    for (const { text, span } of methods.names) {
      const number = permissionNumber(text);
      if (number === undefined) {
        this.refuse(span, `unknown permission \`${text}\``, () =>
          didYouMean(text, PERMISSION_NAMES, `one of ${PERMISSION_NAMES.join(", ")}`),
        );
        isComplete = false;
      } else {
        bits |= 1n << BigInt(number);
      }
    }
    return isComplete ? bits : 0n;
  }

  /** `any` is every class that policy files declare. */
  subjects(
    classes: Classes,
    environment: Environment = NOTHING,
  ): readonly PolicyClass[] | undefined {
    if (classes.kind === "any") {
      const except = this.each(classes.except, (path) => this.class(path, environment));
      return except === undefined
        ? undefined
        : this.programClasses().filter((known) => !except.includes(known));
    }
    const subjects = this.each(classes.paths, (path) => this.class(path, environment));
    const kernelObject = subjects?.findIndex((subject) => subject.id < CLASS_KERNEL) ?? -1;
    const path = classes.paths[kernelObject];
    if (path !== undefined)
      return this.refuse(
        path.span,
        `${written(path)} asks for nothing: it cannot be a subject`,
        "the kernel's own messages have the subject `kernel`",
      );
    return subjects;
  }

  /** An interface that the module can use: its own, or an open one of another. */
  offer(path: Path, module: string): Offer | undefined {
    const [first, second, extra] = path.segments;
    if (first === undefined || extra !== undefined)
      return this.refuse(
        path.span,
        `\`${written(path)}\` is no interface of a module`,
        "`use module.interface(Class)`",
      );
    const [moduleName, name] = second === undefined ? [module, first] : [first.text, second];
    const offers = this.offers.get(moduleName);
    if (offers === undefined)
      return this.refuse(first.span, `unknown module \`${moduleName}\``, () =>
        didYouMean(moduleName, this.offers.keys(), "add its file to the image's `policy`"),
      );
    const offer = offers.get(name.text);
    if (offer === undefined)
      return this.refuse(name.span, `the module ${moduleName} offers no \`${name.text}\``, () =>
        didYouMean(name.text, this.openTo(moduleName, module), "it opens no interface"),
      );
    if (!offer.statement.isOpen && moduleName !== module)
      return this.refuse(
        name.span,
        `\`${moduleName}.${name.text}\` is not open to other modules`,
        `\`open interface ${name.text}(…)\` in ${placeOf(offer.statement.name.span)}`,
      );
    return offer;
  }

  each<T>(
    paths: readonly Path[],
    resolve: (path: Path) => T | undefined,
  ): readonly T[] | undefined {
    const results = paths.map(resolve);
    return results.every((result) => result !== undefined) ? (results as readonly T[]) : undefined;
  }

  refuse(span: Span, message: string, help?: Help): undefined {
    return this.mistakes.refuse(span, message, help);
  }
}

function placeOf({ file, line }: Span): string {
  return `${file}:${line}`;
}

export function written(path: Path, segments = path.segments.length): string {
  return path.segments
    .slice(0, segments)
    .map((segment) => segment.text)
    .join(".");
}
