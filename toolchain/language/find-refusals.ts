/**
 * Finds the parts of a TypeScript file that the language of programs refuses, by form and by name.
 * Types are checked by the compiler.
 */
import ts from "typescript";
import { NAME_REFUSALS, type Refusal, SYNTAX_REFUSALS, type SyntaxRefusal } from "./refusals.ts";

export interface FoundRefusal {
  /** Offsets in the text, the end exclusive. */
  readonly start: number;
  readonly end: number;
  readonly refusal: Refusal;
}

/** All of them, in the order of the text. */
export function findRefusals(source: ts.SourceFile): FoundRefusal[] {
  const found: FoundRefusal[] = [];
  const declared = declaredNames(source);

  const report = (node: ts.Node, refusal: Refusal): void =>
    void found.push({ start: node.getStart(source), end: node.getEnd(), refusal });
  const visit = (node: ts.Node): void => {
    const form = formOf(node);
    if (form !== null) report(form.at, SYNTAX_REFUSALS[form.refusal]);
    if (ts.isIdentifier(node) && isFreeName(node) && !declared.has(node.text)) {
      const refusal = NAME_REFUSALS.get(node.text);
      if (refusal !== undefined) report(node, refusal);
    }
    const keyword = keywordName(node);
    if (keyword !== null) report(node, NAME_REFUSALS.get(keyword)!);
    // One message for each mistake: parts of a pattern or a union add nothing.
    if (form?.isWhole !== true) ts.forEachChild(node, visit);
  };
  visit(source);
  return found.sort((left, right) => left.start - right.start);
}

interface Form {
  readonly refusal: SyntaxRefusal;
  /** The part of the text to mark. */
  readonly at: ts.Node;
  /** The search does not continue inside the form. */
  readonly isWhole?: boolean;
}

function formOf(node: ts.Node): Form | null {
  const is = (refusal: SyntaxRefusal, at: ts.Node = node, isWhole = false): Form => ({
    refusal,
    at,
    isWhole,
  });
  switch (node.kind) {
    case ts.SyntaxKind.ObjectBindingPattern:
    case ts.SyntaxKind.ArrayBindingPattern:
      return is("destructuring", node, true);
    case ts.SyntaxKind.AsyncKeyword:
    case ts.SyntaxKind.AwaitExpression:
      return is("asynchronous");
    case ts.SyntaxKind.YieldExpression:
      return is("generator");
    case ts.SyntaxKind.TryStatement:
      return is("exception", node.getFirstToken() ?? node);
    case ts.SyntaxKind.ForOfStatement:
    case ts.SyntaxKind.ForInStatement:
      return is("loopOf", node.getFirstToken() ?? node);
    case ts.SyntaxKind.SpreadElement:
    case ts.SyntaxKind.SpreadAssignment:
      return is("spread");
    case ts.SyntaxKind.TypeLiteral:
      return is("objectType", node, true);
    case ts.SyntaxKind.TupleType:
      return is("tuple", node, true);
    case ts.SyntaxKind.TypeOperator:
    case ts.SyntaxKind.MappedType:
    case ts.SyntaxKind.ConditionalType:
    case ts.SyntaxKind.IndexedAccessType:
    case ts.SyntaxKind.TypeQuery:
      return is("mappedType", node, true);
    case ts.SyntaxKind.RegularExpressionLiteral:
      return is("regularExpression");
    case ts.SyntaxKind.BigIntLiteral:
      return is("bigint");
    case ts.SyntaxKind.PrivateIdentifier:
      return is("privateName");
    case ts.SyntaxKind.DeleteExpression:
      return is("deletion");
    case ts.SyntaxKind.LabeledStatement:
      return is("label", (node as ts.LabeledStatement).label);
    case ts.SyntaxKind.ClassExpression:
      return is("classExpression", node.getFirstToken() ?? node);
    case ts.SyntaxKind.SatisfiesExpression:
      return is("satisfies");
    case ts.SyntaxKind.QuestionDotToken:
      return is("optionalChain");
  }
  if (ts.isBinaryExpression(node)) {
    const operator = node.operatorToken.kind;
    if (
      operator === ts.SyntaxKind.QuestionQuestionToken ||
      operator === ts.SyntaxKind.QuestionQuestionEqualsToken
    )
      return is("nullish", node.operatorToken);
    if (operator === ts.SyntaxKind.InKeyword) return is("membership", node.operatorToken);
    if (
      operator === ts.SyntaxKind.EqualsToken &&
      (ts.isArrayLiteralExpression(node.left) || ts.isObjectLiteralExpression(node.left))
    )
      return is("destructuring", node.left, true);
  }
  if (ts.isUnionTypeNode(node) && !isNullable(node)) return is("union", node, true);
  if (ts.isIntersectionTypeNode(node)) return is("union", node, true);
  if (ts.isAsExpression(node) && ts.isConstTypeReference(node.type)) return is("satisfies");
  if (
    (ts.isFunctionDeclaration(node) ||
      ts.isMethodDeclaration(node) ||
      ts.isFunctionExpression(node)) &&
    node.asteriskToken !== undefined
  )
    return is("generator", node.asteriskToken);
  if (ts.isFunctionDeclaration(node) && node.body === undefined && !isAmbient(node))
    return is("overload", node.name ?? node);
  if ((ts.isParameter(node) || ts.isPropertyDeclaration(node)) && node.questionToken !== undefined)
    return is("optionalParameter", node.name);
  if (
    ts.isImportDeclaration(node) &&
    node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword
  )
    return is("typeImport", node.importClause);
  if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword)
    return is("dynamicImport", node.expression);
  if (
    ts.isClassDeclaration(node) &&
    !ts.isSourceFile(node.parent) &&
    !ts.isModuleBlock(node.parent)
  )
    return is("classExpression", node.name ?? node);
  if (
    ts.isEnumMember(node) &&
    node.initializer !== undefined &&
    ts.isStringLiteralLike(node.initializer)
  )
    return is("stringEnum");
  if (ts.isNumericLiteral(node) && isFraction(node)) return is("float");
  if (
    ts.isVariableDeclaration(node) &&
    node.type === undefined &&
    node.initializer !== undefined &&
    ts.isObjectLiteralExpression(node.initializer)
  ) {
    return is("objectWithoutType", node.initializer);
  }
  return missingType(node);
}

/** Functions say their types; a function value that is passed on takes them from where it goes. */
function missingType(node: ts.Node): Form | null {
  if ((ts.isFunctionDeclaration(node) || ts.isMethodDeclaration(node)) && node.type === undefined)
    return { refusal: "noType", at: node.name ?? node };
  if (
    ts.isParameter(node) &&
    node.type === undefined &&
    node.initializer === undefined &&
    (ts.isFunctionDeclaration(node.parent) ||
      ts.isMethodDeclaration(node.parent) ||
      ts.isConstructorDeclaration(node.parent))
  ) {
    return ts.isIdentifier(node.name) ? { refusal: "noType", at: node.name } : null;
  }
  const isLocal =
    ts.isArrowFunction(node) &&
    node.type === undefined &&
    ts.isVariableDeclaration(node.parent) &&
    node.parent.type === undefined;
  return isLocal ? { refusal: "noType", at: node } : null;
}

function isNullable({ types }: ts.UnionTypeNode): boolean {
  const isNull = (type: ts.TypeNode): boolean =>
    ts.isLiteralTypeNode(type) && type.literal.kind === ts.SyntaxKind.NullKeyword;
  return types.length === 2 && types.some(isNull) && !types.every(isNull);
}

function isAmbient(node: ts.FunctionDeclaration): boolean {
  return (
    (ts.getCombinedModifierFlags(node) & ts.ModifierFlags.Ambient) !== 0 ||
    node.getSourceFile().isDeclarationFile
  );
}

function isFraction(node: ts.NumericLiteral): boolean {
  const text = node.getText();
  return !/^0[xob]/i.test(text) && /[.e]/i.test(text);
}

/** `any` and its like are words of the grammar, not names. */
function keywordName(node: ts.Node): string | null {
  switch (node.kind) {
    case ts.SyntaxKind.AnyKeyword:
      return "any";
    case ts.SyntaxKind.UnknownKeyword:
      return "unknown";
    case ts.SyntaxKind.NeverKeyword:
      return "never";
    case ts.SyntaxKind.ObjectKeyword:
      return "object";
    case ts.SyntaxKind.NumberKeyword:
      return "number";
    case ts.SyntaxKind.BigIntKeyword:
      return "bigint";
    case ts.SyntaxKind.UndefinedKeyword:
      return "undefined";
    default:
      return null;
  }
}

/** A name that is looked up, not one that is declared or that follows a dot. */
function isFreeName(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) return parent.expression === node;
  if (ts.isQualifiedName(parent)) return parent.left === node;
  if (ts.isPropertyAssignment(parent)) return parent.initializer === node;
  const isName = "name" in parent && parent.name === node;
  return (
    !isName &&
    !ts.isImportSpecifier(parent) &&
    !ts.isExportSpecifier(parent) &&
    !ts.isLabeledStatement(parent) &&
    !ts.isBreakOrContinueStatement(parent)
  );
}

/**
 * All names that the file declares or imports anywhere: a program may have a class `Worker` of its
 * own.
 */
function declaredNames(source: ts.SourceFile): ReadonlySet<string> {
  const names = new Set<string>();
  const visit = (node: ts.Node): void => {
    const name = "name" in node ? (node.name as ts.Node | undefined) : undefined;
    const declares =
      ts.isVariableDeclaration(node) ||
      ts.isParameter(node) ||
      ts.isFunctionDeclaration(node) ||
      ts.isClassDeclaration(node) ||
      ts.isInterfaceDeclaration(node) ||
      ts.isEnumDeclaration(node) ||
      ts.isTypeAliasDeclaration(node) ||
      ts.isModuleDeclaration(node) ||
      ts.isImportSpecifier(node) ||
      ts.isNamespaceImport(node) ||
      ts.isTypeParameterDeclaration(node);
    if (declares && name !== undefined && ts.isIdentifier(name)) names.add(name.text);
    ts.forEachChild(node, visit);
  };
  visit(source);
  return names;
}
