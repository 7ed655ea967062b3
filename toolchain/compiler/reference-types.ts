import type { Diagnostic } from "../report/diagnostic.ts";

/** What asc knows of a value that the module shows as a number. */
export enum Reference {
  /** It is no reference to an object of the collector's. */
  None = 0,
  /** To an object that refers to nothing: a string, an array of numbers. */
  Leaf = 1,
  /** To an object that may refer to others. */
  Holder = 2,
}

interface FunctionReferences {
  /** `this` comes first. */
  readonly parameters: readonly Reference[];
  readonly result: Reference;
}

export interface ReferenceTypes {
  /** By the function's name in the module. */
  readonly functions: ReadonlyMap<string, FunctionReferences>;
  /** Variables of modules, by name. */
  readonly globals: ReadonlyMap<string, Reference>;
  /**
   * The functions that asc makes for a field of a class with a header: its visitors know the field.
   */
  readonly fieldAccessors: ReadonlySet<string>;
  /** Fields of classes without a header that hold references: no visitor sees them. */
  readonly unseenFields: readonly { readonly name: string; readonly range: unknown }[];
}

export const NO_REFERENCES: ReferenceTypes = {
  functions: new Map(),
  globals: new Map(),
  fieldAccessors: new Set(),
  unseenFields: [],
};

// What we read of asc's program after compilation.
interface TypeView {
  readonly isManaged: boolean;
  getClass(): ClassView | null;
}
interface ClassView {
  readonly kind: number;
  readonly isPointerfree: boolean;
  readonly extendees: Set<ClassView> | null;
}
interface ElementView {
  readonly kind: number;
  readonly name: string;
  readonly internalName: string;
  readonly type?: TypeView;
  readonly signature?: {
    readonly thisType: TypeView | null;
    readonly parameterTypes: readonly TypeView[];
    readonly returnType: TypeView;
  };
  readonly isField?: boolean;
  readonly parent?: ElementView;
  readonly prototype?: {
    readonly fieldDeclaration?: {
      readonly range: unknown;
      readonly name: { readonly range: unknown };
    } | null;
  };
  readonly identifierNode?: { readonly range: unknown };
}
export interface CompiledView {
  readonly instancesByName: Map<string, ElementView>;
  readonly elementsByName: Map<string, ElementView>;
}

const ELEMENT = { Global: 0, Function: 5, Class: 7, Property: 11 } as const;

/** Reads them from asc's program, which knows types that its module has lost. */
export function referenceTypes(program: CompiledView): ReferenceTypes {
  const functions = new Map<string, FunctionReferences>();
  const globals = new Map<string, Reference>();
  const fieldAccessors = new Set<string>();
  const unseenFields: { name: string; range: unknown }[] = [];
  for (const [name, element] of program.instancesByName) {
    const { signature, parent, type } = element;
    if (element.kind === ELEMENT.Function && signature !== undefined) {
      const parameters = [
        ...(signature.thisType === null || signature.thisType === undefined
          ? []
          : [signature.thisType]),
        ...signature.parameterTypes,
      ];
      functions.set(name, {
        parameters: parameters.map(referenceOf),
        result: referenceOf(signature.returnType),
      });
    }
    if (element.kind !== ELEMENT.Property || element.isField !== true || parent?.type === undefined)
      continue;
    if (parent.type.isManaged)
      for (const way of ["get", "set"]) fieldAccessors.add(name.replace(/#([^#]*)$/, `#${way}:$1`));
    else if (type?.isManaged === true && !name.startsWith("~lib/"))
      unseenFields.push({ name, range: element.identifierNode?.range ?? null });
  }
  for (const [name, element] of program.elementsByName) {
    if (element.kind === ELEMENT.Global && element.type !== undefined)
      globals.set(name, referenceOf(element.type));
  }
  return { functions, globals, fieldAccessors, unseenFields };
}

function referenceOf(type: TypeView): Reference {
  if (type?.isManaged !== true) return Reference.None;
  const own = type.getClass();
  // A subclass may hold more than its class, and what implements an interface anything.
  const isLeaf = (one: ClassView): boolean =>
    one.kind === ELEMENT.Class && one.isPointerfree && [...(one.extendees ?? [])].every(isLeaf);
  return own !== null && isLeaf(own) ? Reference.Leaf : Reference.Holder;
}

/** Refuses fields that hold references where no visitor looks. */
export function refusedFields(
  types: ReferenceTypes,
  locate: (range: unknown) => { file?: string; line?: number; column?: number },
): Diagnostic[] {
  return types.unseenFields.map(({ name, range }) => ({
    severity: "error",
    ...locate(range),
    message: `${name.replace(/^[^<#]*\//, "").replace("#", ".")} holds a reference in a class without a header, where the collector does not look`,
    help: "take `@unmanaged` off the class, or keep the object in a variable of the module and a number here",
  }));
}
