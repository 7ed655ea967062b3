/**
 * Who may say what. A module owns the classes that it declares, and speaks of pairs of classes of
 * which it owns one: the owner of a thing narrows who uses it, the owner of a program what the
 * program uses, and nobody speaks for two others.
 */
import { CLASS_KERNEL } from "../../kernel/abi/blob.ts";
import type { PolicyClass } from "./model.ts";
import type { Names } from "./names.ts";
import type { Span } from "./syntax.ts";

/** Open interfaces that a message names: more would hide what to do. */
const INTERFACES_SHOWN = 3;
/** Stands for a parameter's class, of which nothing else is known: the id of no class. */
const CLASS_OPAQUE = 0xffff;

/**
 * What an interface's body is checked with in place of a class. `owner`: the module, where only its
 * own classes can be given; undefined for an open interface.
 */
export function parameterClass(name: string, span: Span, owner: string | undefined): PolicyClass {
  return { id: CLASS_OPAQUE, name, module: owner, span };
}

export function isParameter(policyClass: PolicyClass): boolean {
  return policyClass.id === CLASS_OPAQUE;
}

/**
 * Whether the module may speak of each pair; the first of which it may not becomes a mistake. The
 * classes of the kernel belong to no module: an open interface can let the class of its user ask
 * them, because that class's own module could say the same. Narrowing is for owners alone.
 */
export function mayPair(
  kind: "allow" | "grant" | "require",
  module: string,
  subjects: readonly PolicyClass[],
  targets: readonly PolicyClass[],
  span: Span,
  names: Names,
): boolean {
  const isAdmitted = (subject: PolicyClass, target: PolicyClass): boolean =>
    subject.module === module ||
    target.module === module ||
    (kind !== "require" && isParameter(subject) && target.id < CLASS_KERNEL);
  // Where all subjects are the module's own, or all targets, each pair is.
  const foreign = targets.filter((target) => target.module !== module);
  for (const subject of subjects) {
    if (subject.module === module) continue;
    const target = foreign.find((candidate) => !isAdmitted(subject, candidate));
    if (target === undefined) continue;
    names.refuse(
      span,
      `neither ${subject.name} nor ${target.name} belongs to the module ${module}`,
      whomToAsk(kind, subject, target, names),
    );
    return false;
  }
  return true;
}

/** The module to ask, and what it can use. */
function whomToAsk(
  kind: "allow" | "grant" | "require",
  subject: PolicyClass,
  target: PolicyClass,
  names: Names,
): string {
  const owners = [subject.module, target.module].filter((owner) => owner !== undefined);
  if (owners.length === 0) return "let the module that uses the interface say it";
  const ask = `ask the module ${[...new Set(owners)].join(" or ")}`;
  if (kind !== "allow" || target.module === undefined || subject.module === undefined) return ask;
  const open = names.openTo(target.module);
  if (open.length === 0) return ask;
  const uses = open
    .slice(0, INTERFACES_SHOWN)
    .map((name) => `\`use ${target.module}.${name}(${subject.name})\``);
  return `ask the module ${subject.module}, which can say ${uses.join(" or ")}`;
}
