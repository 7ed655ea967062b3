/** Limits on the time on the wall, as a source file states them: what a busy host breaks first. */
import ts from "typescript";

/** A limit below is one that a host with ten busy processes has broken. */
const LIMIT_MS_MIN = 30_000;
/** That of every test, by the configurations; a test states its own only if it needs more. */
const TEST_MS = 600_000;

interface TimeLimit {
  readonly line: number;
  readonly text: string;
}

const PROPERTIES = /^(timeout|timeoutMs|testTimeout|hookTimeout|teardownTimeout)$/;
const NAMES = /(TIMEOUT|WAIT|LIMIT)\w*_MS$|_MS_MAX$|timeoutMs$/i;
/** Time of the processor is no time on the wall: it passes only while the process runs. */
const PROCESSOR = /PROCESSOR/;
const TESTS = /^(test|it|beforeAll|beforeEach|afterAll|afterEach)$/;
/** Files without any of these words hold no limit, and need not be parsed. */
const MENTIONS = /timeout|_MS|\bwaitFor|\bnow\(\)|\d{2,}\);|\d_\d+\)/i;
const WAITS = /^(waitFor|exitValue|exitCode|command|run|expect\.poll)$/;

/**
 * Limits below `LIMIT_MS_MIN`, tests with less time than all have, and comparisons of a time that
 * has passed.
 */
export function shortTimeLimits(file: string, text: string): TimeLimit[] {
  if (!MENTIONS.test(text)) return [];
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const constants = new Map<string, ts.Expression>();
  const found: ts.Node[] = [];

  const valueOf = (expression: ts.Expression | undefined): number => {
    if (expression === undefined) return Number.NaN;
    if (ts.isNumericLiteral(expression)) return Number(expression.text);
    if (ts.isParenthesizedExpression(expression)) return valueOf(expression.expression);
    if (
      ts.isBinaryExpression(expression) &&
      expression.operatorToken.kind === ts.SyntaxKind.AsteriskToken
    )
      return valueOf(expression.left) * valueOf(expression.right);
    if (ts.isIdentifier(expression)) return valueOf(constants.get(expression.text));
    return Number.NaN;
  };
  const report = (node: ts.Node, limit: ts.Expression | undefined, least = LIMIT_MS_MIN): void => {
    if (valueOf(limit) < least) found.push(node);
  };

  const visit = (node: ts.Node): void => {
    if (
      ts.isVariableDeclaration(node) &&
      ts.isIdentifier(node.name) &&
      node.initializer !== undefined
    ) {
      constants.set(node.name.text, node.initializer);
      if (NAMES.test(node.name.text) && !PROCESSOR.test(node.name.text))
        report(node, node.initializer);
    }
    if (ts.isParameter(node) && NAMES.test(node.name.getText())) report(node, node.initializer);
    if (ts.isPropertyAssignment(node) && PROPERTIES.test(node.name.getText()))
      report(node, node.initializer);
    if (ts.isCallExpression(node)) visitCall(node);
    ts.forEachChild(node, visit);
  };
  const visitCall = (call: ts.CallExpression): void => {
    const [first, last] = [call.arguments[0], call.arguments.at(-1)];
    const callee = call.expression;
    const name = ts.isPropertyAccessExpression(callee) ? callee.name.text : callee.getText();
    // A pause calls `resolve` and nothing else.
    if (name === "setTimeout" && first !== undefined && !ts.isIdentifier(first))
      report(call, call.arguments[1]);
    // `run` of other things than a machine has other last parameters.
    if (WAITS.test(name) && (name !== "run" || /shell|machine/.test(callee.getText())))
      report(call, last);
    if (TESTS.test(rootOf(callee)) && call.arguments.length > 1) report(call, last, TEST_MS);
    if (/^toBeLessThan/.test(name) && /\b(performance|Date)\.now\(\)/.test(callee.getText()))
      found.push(call);
  };
  visit(source);
  return found.map((node) => ({
    line: source.getLineAndCharacterOfPosition(node.getStart()).line + 1,
    text: node.getText().split("\n")[0]!,
  }));
}

/** `test` of `test.each(rows)` and of `test.runIf(condition)`. */
function rootOf(callee: ts.Expression): string {
  if (ts.isCallExpression(callee) || ts.isPropertyAccessExpression(callee))
    return rootOf(callee.expression);
  return callee.getText();
}
