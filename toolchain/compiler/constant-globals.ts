// Numbers of asc's syntax tree: its enums exist as types only.
const NODE = {
  Identifier: 7,
  Assertion: 8,
  Binary: 9,
  Call: 10,
  False: 14,
  Literal: 17,
  Null: 19,
  Parenthesized: 21,
  PropertyAccess: 22,
  True: 26,
  UnaryPrefix: 29,
} as const;
const LITERAL = { Float: 0, Integer: 1, String: 2 } as const;
const ELEMENT_GLOBAL = 0;
const TOKEN_MINUS = 82;
const DECORATOR_LAZY = 1 << 10;
const FLAG_CONST = 1 << 3;

/** What we read of a node of asc's syntax tree. */
interface NodeView {
  readonly kind: number;
  readonly literalKind?: number;
  readonly text?: string;
  readonly operator?: number;
  readonly expression?: NodeView;
  readonly operand?: NodeView;
  readonly left?: NodeView;
  readonly right?: NodeView;
  readonly property?: NodeView;
  readonly args?: readonly NodeView[];
}

interface ElementView {
  readonly kind: number;
  readonly name: string;
  readonly initializerNode?: NodeView | null;
  readonly members?: Map<string, ElementView> | null;
  decoratorFlags: number;
  is(flags: number): boolean;
}

interface FileView extends ElementView {
  readonly source: { readonly isLibrary: boolean };
}

export interface ElementsView {
  readonly filesByName: Map<string, FileView>;
}

const CONSTANT_LITERALS: ReadonlySet<number> = new Set([
  LITERAL.Integer,
  LITERAL.Float,
  LITERAL.String,
]);
/** Calls whose result is a constant if their operands are. */
const CONSTANT_CALLS = new Set([
  "changetype",
  "sizeof",
  "offsetof",
  "alignof",
  "memory.data",
  "u8",
  "u16",
  "u32",
  "u64",
  "usize",
  "i8",
  "i16",
  "i32",
  "i64",
  "isize",
]);

/**
 * Lets functions use a module's constants whatever order asc comes upon the modules in. A module
 * that imports in a circle is compiled before one that it imports, and asc then refuses all its
 * variables as "used before its declaration", those too that have their value before any code runs.
 * Those are compiled where they are first used instead. For variables that code initializes, the
 * order of imports has a meaning, and asc's rule stands.
 */
export function freeConstantsOfOrder(program: ElementsView): void {
  for (const file of program.filesByName.values()) {
    if (file.source.isLibrary) continue;
    const globals = [...(file.members?.values() ?? [])].filter(
      ({ kind }) => kind === ELEMENT_GLOBAL,
    );
    const constants = new Set<string>();
    for (const global of globals) {
      const { initializerNode } = global;
      if (initializerNode === undefined || initializerNode === null) continue;
      const isConstant = global.is(FLAG_CONST)
        ? isConstantExpression(initializerNode, constants)
        : isLiteral(initializerNode);
      if (!isConstant) continue;
      global.decoratorFlags |= DECORATOR_LAZY;
      if (global.is(FLAG_CONST)) constants.add(global.name);
    }
  }
}

/** A value that asc takes as a variable's first value as it stands. */
function isLiteral(node: NodeView): boolean {
  switch (node.kind) {
    case NODE.Literal:
      return CONSTANT_LITERALS.has(node.literalKind ?? -1);
    case NODE.True:
    case NODE.False:
    case NODE.Null:
      return true;
    case NODE.UnaryPrefix:
      return node.operator === TOKEN_MINUS && node.operand !== undefined && isLiteral(node.operand);
    default:
      return false;
  }
}

/** `constants`: the module's constants above. */
function isConstantExpression(node: NodeView | undefined, constants: ReadonlySet<string>): boolean {
  if (node === undefined) return false;
  const isConstant = (part: NodeView | undefined): boolean => isConstantExpression(part, constants);
  switch (node.kind) {
    case NODE.Identifier:
      return constants.has(node.text ?? "");
    case NODE.Parenthesized:
    case NODE.Assertion:
      return isConstant(node.expression);
    case NODE.UnaryPrefix:
      return isConstant(node.operand);
    case NODE.Binary:
      return isConstant(node.left) && isConstant(node.right);
    case NODE.Call:
      return CONSTANT_CALLS.has(calledName(node.expression)) && (node.args ?? []).every(isConstant);
    default:
      return isLiteral(node);
  }
}

function calledName(node: NodeView | undefined): string {
  if (node?.kind === NODE.Identifier) return node.text ?? "";
  return node?.kind === NODE.PropertyAccess
    ? `${calledName(node.expression)}.${node.property?.text ?? ""}`
    : "";
}
