/**
 * Exports that only their own file uses. A name counts as used if another file imports it, if
 * assembly, JavaScript or a template mentions it, if a string is exactly the name (tests call the
 * kernel's functions by name), or if it stands in a string with an import or export: tests compile
 * sources that they hold as text, and generators write imports.
 */
import assert from "node:assert/strict";
import ts from "typescript";
import { importsOf, read } from "./source-tree.ts";

interface UnusedExport {
  readonly file: string;
  readonly name: string;
}

/** What programs may import: they are written elsewhere too. */
const LIBRARY = /^(services\/runtime|drivers\/support)\//;
/** What the loader of programs, of tests and of data files looks for by name. */
const ENTRY_NAMES = new Set(["default", "main", "abort"]);

export function unusedExports(files: readonly string[], textOf = read): UnusedExport[] {
  const sources = files.filter((file) => file.endsWith(".ts") && !file.includes("/templates/"));
  const modules = new Map(
    sources.map((file) => [file.replace(/\.ts$/, ""), readModule(file, textOf(file))]),
  );
  const others = files.filter((file) => /\.(asm|inc|js|cjs|template)$/.test(file)).map(textOf);
  const words = new Set(others.flatMap((text) => text.match(/\w+/g) ?? []));

  const used = new Set<string>();
  for (const module of modules.values()) {
    for (const word of module.quotedWords) words.add(word);
    for (const [path, name] of module.imports) use(path, name);
  }
  /** Follows a name to the file that declares it. */
  function use(path: string, name: string): void {
    const key = `${path}#${name}`;
    if (used.has(key)) return;
    used.add(key);
    const module = modules.get(path);
    for (const [from, original, exported] of module?.reexports ?? []) {
      if (exported === "*") use(from, name);
      else if (exported === name) use(from, original);
    }
    if (name === "*") for (const own of module?.exports ?? []) use(path, own);
  }

  const own = [...modules].filter(([path]) => !LIBRARY.test(path));
  return own.flatMap(([path, module]) =>
    module.exports
      .filter((name) => !ENTRY_NAMES.has(name) && !words.has(name) && !used.has(`${path}#${name}`))
      .map((name) => ({ file: `${path}.ts`, name })),
  );
}

interface Module {
  readonly exports: readonly string[];
  /** File and name there; `*` is all of them. */
  readonly imports: readonly (readonly [path: string, name: string])[];
  /** File, name there, name here; `*` for `export *`. */
  readonly reexports: readonly (readonly [path: string, original: string, exported: string])[];
  readonly quotedWords: readonly string[];
}

/** A name alone, or text that may be a source. Other strings are words for a reader. */
const NAME_OR_SOURCE = /^\w+$|\b(?:import|export)\b/;

function readModule(file: string, text: string): Module {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest);
  const paths = new Map(importsOf(file, text).map(({ specifier, path }) => [specifier, path]));
  /** Throws if `importsOf`, by which the other rules go, has missed the import. */
  const pathOf = (specifier: ts.Expression): string | null => {
    if (!ts.isStringLiteral(specifier)) return null;
    const path = paths.get(specifier.text);
    assert(path !== undefined, `importsOf finds the import of ${specifier.text} in ${file}`);
    return path;
  };
  const module = {
    exports: [] as string[],
    imports: [] as [string, string][],
    reexports: [] as [string, string, string][],
    quotedWords: [] as string[],
  };

  for (const statement of source.statements) {
    if (ts.isImportDeclaration(statement)) {
      const path = pathOf(statement.moduleSpecifier);
      if (path === null) continue;
      const bindings = statement.importClause?.namedBindings;
      if (statement.importClause?.name !== undefined) module.imports.push([path, "default"]);
      if (bindings !== undefined && ts.isNamespaceImport(bindings))
        module.imports.push([path, "*"]);
      if (bindings !== undefined && ts.isNamedImports(bindings))
        for (const { name, propertyName } of bindings.elements)
          module.imports.push([path, (propertyName ?? name).text]);
    } else if (ts.isExportDeclaration(statement)) {
      const path = statement.moduleSpecifier && pathOf(statement.moduleSpecifier);
      if (statement.exportClause === undefined) {
        if (path) module.reexports.push([path, "*", "*"]);
      } else if (ts.isNamedExports(statement.exportClause)) {
        for (const { name, propertyName } of statement.exportClause.elements) {
          if (path) module.reexports.push([path, (propertyName ?? name).text, name.text]);
          else if (path === undefined) module.exports.push(name.text);
        }
      }
    } else {
      module.exports.push(...declaredExports(statement));
    }
  }

  const visit = (node: ts.Node): void => {
    if (
      (ts.isStringLiteralLike(node) ||
        ts.isTemplateHead(node) ||
        ts.isTemplateMiddleOrTemplateTail(node)) &&
      NAME_OR_SOURCE.test(node.text)
    )
      module.quotedWords.push(...(node.text.match(/\w+/g) ?? []));
    if (
      ts.isCallExpression(node) &&
      node.expression.kind === ts.SyntaxKind.ImportKeyword &&
      node.arguments[0] !== undefined
    ) {
      const path = pathOf(node.arguments[0]);
      if (path !== null) module.imports.push([path, "*"]);
    }
    if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
      const path = pathOf(node.argument.literal as ts.Expression);
      if (path !== null) module.imports.push([path, "*"]);
    }
    if (!ts.isImportDeclaration(node) && !ts.isExportDeclaration(node))
      ts.forEachChild(node, visit);
  };
  visit(source);
  return module;
}

function declaredExports(statement: ts.Statement): string[] {
  const modifiers = ts.canHaveModifiers(statement) ? (ts.getModifiers(statement) ?? []) : [];
  if (!modifiers.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword)) return [];
  if (ts.isVariableStatement(statement))
    return statement.declarationList.declarations.flatMap(({ name }) =>
      ts.isIdentifier(name) ? [name.text] : [],
    );
  const { name } = statement as ts.DeclarationStatement;
  return name !== undefined && ts.isIdentifier(name) ? [name.text] : [];
}
