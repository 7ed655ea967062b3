/**
 * Warnings: what a policy says without effect. Each is decided, not guessed: a condition by its
 * diagram, a handle by where handles can go, a duplicate by comparing rules.
 */
import { CLASS_KERNEL } from "../../kernel/abi/blob.ts";
import { Event } from "../../kernel/abi/event.ts";
import { FAULT_INTERFACE, ObjectType } from "../../kernel/abi/object.ts";
import { Permission } from "../../kernel/abi/permission.ts";
import type { Diagnostic } from "../../toolchain/report/diagnostic.ts";
import { forbiddenBy } from "./check.ts";
import { type Matrix, isBound } from "./close.ts";
import { conditionKey } from "./condition.ts";
import { constantCondition } from "./decision-diagram.ts";
import { decidePermission } from "./evaluate.ts";
import { endpointHolders, serviceHolders } from "./flow.ts";
import { inImage } from "./image.ts";
import type { Field, InitialHandle, Interface, Model, Rule, Slot, SystemInput } from "./model.ts";
import { Mistakes } from "./mistakes.ts";
import type { Names } from "./names.ts";
import { fieldsOf } from "./resolve.ts";
import type { ExpectStatement, JudgedEventName, Span } from "./syntax.ts";

const EVENTS: readonly JudgedEventName[] = ["request", "response", "error"];
/** Every program has handles to some of these, and can make others. */
const FIRST_SERVICE = ObjectType.Interrupt;

/** For a sound system. The first MISTAKES_SHOWN warnings. */
export async function findUseless(
  input: SystemInput,
  model: Model,
  matrix: Matrix,
  names: Names,
): Promise<readonly Diagnostic[]> {
  const finder = new Finder(model, matrix, names);
  finder.conditions();
  finder.rulesWithoutHandles();
  finder.duplicates();
  finder.expects();
  for (const { slot, handle } of finder.silentChannels()) {
    const owner = model.classes[handle.classId]?.name ?? "";
    const subject = model.classes[slot.classId]?.name ?? "";
    const found = await inImage(input, {
      path: ["slots", slot.name, "channels", handle.name],
      message: `no rule lets ${subject} ask ${owner} by \`${handle.name}\``,
      help: `if that is meant, say so: \`never ${subject} -> ${owner}\``,
    });
    finder.found.add([{ ...found, severity: "warning" }]);
  }
  return finder.found.diagnostics();
}

class Finder {
  readonly found = new Mistakes();
  private readonly model: Model;
  private readonly matrix: Matrix;
  private readonly names: Names;
  private readonly interfaces: ReadonlyMap<number, Interface>;
  private readonly inSlots: ReadonlySet<number>;
  private readonly holdersOf = new Map<number, (owner: number) => ReadonlySet<number>>();
  private readonly known = new Map<string, "never" | "always" | undefined>();

  constructor(model: Model, matrix: Matrix, names: Names) {
    this.model = model;
    this.matrix = matrix;
    this.names = names;
    this.interfaces = new Map(model.interfaces.map((one) => [one.id, one]));
    this.inSlots = new Set(model.slots.map(({ classId }) => classId));
  }

  /** Conditions that hold for all messages of a method, or for none. */
  conditions(): void {
    for (const rule of this.model.rules) {
      const targetInterface = this.interfaces.get(rule.interfaceId);
      const event = rule.read === undefined ? undefined : EVENTS[rule.read];
      if (rule.condition === undefined || event === undefined || targetInterface === undefined)
        continue;
      for (const method of targetInterface.methods) {
        if (!isBound(rule, rule.read!, method.number)) continue;
        const fields = fieldsOf(targetInterface, method, event);
        const constant = this.constantOf(rule, fields, `${targetInterface.id} ${method.number}`);
        if (constant === undefined) continue;
        const what = `the condition ${constant} holds for ${targetInterface.name}.${method.name}`;
        this.found.warn(rule.span, what, helpFor(rule.isRequire, constant));
        break;
      }
    }
  }

  /** Many rules have the same condition. */
  private constantOf(
    rule: Rule,
    fields: readonly Field[],
    method: string,
  ): "never" | "always" | undefined {
    const key = `${method} ${rule.read} ${keyOf(rule)}`;
    if (!this.known.has(key)) this.known.set(key, constantCondition(rule.condition!, fields));
    return this.known.get(key);
  }

  /**
   * Statements whose rules are about messages that no program can send: no handle to the target
   * exists that the subject could come to hold. Classes without a slot are of other images.
   */
  rulesWithoutHandles(): void {
    for (const rules of this.byOrigin((rule) => rule.kind === "message").values()) {
      let isAbout: readonly [number, number] | undefined;
      const isUsed = rules.some((rule) =>
        rule.pairs.some((pair) => {
          if (!this.isHere(pair)) return false;
          isAbout ??= pair;
          return this.canHold(pair[0], pair[1], rule.interfaceId);
        }),
      );
      if (isUsed || isAbout === undefined) continue;
      const [subject, target] = isAbout.map((id) => this.model.classes[id]?.name ?? "");
      this.found.warn(
        rules[0]!.origin,
        `${subject} can hold no handle to ${target}: this never applies`,
        `let a program of class ${subject} use it, in its manifest and in the image`,
      );
    }
  }

  private isHere([subject, target]: readonly [number, number]): boolean {
    return this.inSlots.has(subject) && (target < CLASS_KERNEL || this.inSlots.has(target));
  }

  private canHold(subject: number, target: number, interfaceId: number): boolean {
    if (target < FIRST_SERVICE) return true;
    let holders = this.holdersOf.get(interfaceId);
    if (holders === undefined) {
      const services =
        target < CLASS_KERNEL ? serviceHolders(this.model, this.matrix, target) : undefined;
      holders =
        services === undefined
          ? endpointHolders(this.model, this.matrix, interfaceId)
          : () => services;
      this.holdersOf.set(interfaceId, holders);
    }
    return holders(target).has(subject);
  }

  /** Channels of the image that no rule lets their holder use, hand on, or pass calls on by. */
  silentChannels(): readonly { readonly slot: Slot; readonly handle: InitialHandle }[] {
    return this.model.slots.flatMap((slot, own) =>
      slot.handles
        .filter((handle) => handle.type === ObjectType.Endpoint && handle.targetSlot !== own)
        .filter((handle) => !this.isUsed(slot, handle) && !this.isForbidden(slot, handle))
        .map((handle) => ({ slot, handle })),
    );
  }

  private isUsed({ classId, handles }: Slot, handle: InitialHandle): boolean {
    const pair = this.matrix.find(classId, handle.classId, handle.interfaceId);
    const servesItself = handles.some(
      (other) => other.interfaceId === handle.interfaceId && other.classId === classId,
    );
    return (
      pair?.rules.some((rule) => !rule.isRequire && (rule.events & (1 << Event.Request)) !== 0) ===
        true ||
      servesItself ||
      decidePermission(this.model, classId, handle.classId, Permission.Transfer)
    );
  }

  /** A `never` says that the channel is held in vain. */
  private isForbidden(slot: Slot, handle: InitialHandle): boolean {
    return this.model.nevers.some(
      ({ statement }) =>
        statement.form === "message" &&
        this.names.subjects(statement.subjects)?.some(({ id }) => id === slot.classId) &&
        forbiddenBy(statement, this.names)?.some(
          ({ policyClass, targetInterface, methods }) =>
            policyClass.id === handle.classId &&
            methods === undefined &&
            (targetInterface === undefined || targetInterface.id === handle.interfaceId),
        ),
    );
  }

  /** Statements of which others say each rule. Of two that say the same, the later one. */
  duplicates(): void {
    for (const rules of this.byOrigin(() => true).values()) {
      const origin = rules[0]!.origin;
      let by: Rule | undefined;
      const isSaid = rules.every((rule) => {
        const other = this.covering(rule, origin);
        by ??= other;
        return other !== undefined;
      });
      if (!isSaid || by === undefined) continue;
      const { file, line } = by.origin;
      this.found.warn(
        origin,
        `this says nothing that ${file}:${line} does not say`,
        "take one of them out",
      );
    }
  }

  private covering(rule: Rule, origin: Span): Rule | undefined {
    const [pair] = rule.pairs;
    if (pair === undefined) return undefined;
    const candidates = this.matrix.find(pair[0], pair[1], rule.interfaceId)?.rules ?? [];
    return candidates.find(
      (other) =>
        !isSame(other.origin, origin) &&
        covers(other, rule) &&
        (other.number < rule.number || !covers(rule, other)),
    );
  }

  /** Tests that hold whatever the rules say, or that stand twice. */
  expects(): void {
    const seen = new Map<string, Span>();
    for (const { statement, module } of this.model.expects) {
      const key = `${module}: ${statement.text}`;
      const other = seen.get(key);
      if (other !== undefined)
        this.found.warn(
          statement.span,
          `the same is expected in ${other.file}:${other.line}`,
          "take one of them out",
        );
      seen.set(key, statement.span);
      if (this.cannotFail(statement))
        this.found.warn(
          statement.span,
          "this cannot fail: no rule could allow it",
          "expect something of a class of programs, or of the kernel's `Fault.fault`",
        );
    }
  }

  /** The kernel's objects ask nothing, and the kernel itself reports faults only. */
  private cannotFail(statement: ExpectStatement): boolean {
    if (statement.allow) return false;
    const subject = this.names.class(statement.subject);
    if (subject === undefined || subject.id > CLASS_KERNEL) return false;
    if (subject.id < CLASS_KERNEL || statement.form !== "message") return true;
    const target = this.names.method(statement.target);
    return target?.targetInterface !== undefined && target.targetInterface.id !== FAULT_INTERFACE;
  }

  private byOrigin(isMeant: (rule: Rule) => boolean): ReadonlyMap<string, readonly Rule[]> {
    return Map.groupBy(
      this.model.rules.filter(isMeant),
      ({ origin: { file, line, column } }) => `${file}:${line}:${column}`,
    );
  }
}

function helpFor(isRequire: boolean, constant: "never" | "always"): string {
  if (constant === "always")
    return isRequire ? "the rule narrows nothing: leave it out" : "leave `when` out";
  return isRequire ? "the rule denies all: take the `allow` away" : "the rule allows nothing";
}

/** Whether `other` says all that `rule` says. */
function covers(other: Rule, rule: Rule): boolean {
  if (other === rule || other.kind !== rule.kind || other.isRequire !== rule.isRequire)
    return false;
  if (other.interfaceId !== rule.interfaceId) return false;
  if ((rule.events & ~other.events) !== 0 || (rule.recorded & ~other.recorded) !== 0) return false;
  if ((rule.methods & ~other.methods) !== 0n) return false;
  const isWider = other.condition === undefined && !rule.isRequire;
  if (!isWider && (other.read !== rule.read || keyOf(other) !== keyOf(rule))) return false;
  if (rule.pairs.length > other.pairs.length) return false;
  const pairs = new Set(other.pairs.map(([subject, target]) => subject * 65_536 + target));
  return rule.pairs.every(([subject, target]) => pairs.has(subject * 65_536 + target));
}

function keyOf({ condition }: Rule): string | undefined {
  return condition === undefined ? undefined : conditionKey(condition);
}

function isSame(a: Span, b: Span): boolean {
  return a.file === b.file && a.line === b.line && a.column === b.column;
}
