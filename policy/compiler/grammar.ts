/**
 * The policy language, as Langium reads it once comments are blanks (plain-text.ts).
 * `policy/language.md` says what it means; `resolve.ts` what names mean.
 */

/** Words of the language. Methods and fields may have such a name all the same. */
const KEYWORDS = [
  "module",
  "class",
  "const",
  "interface",
  "use",
  "allow",
  "require",
  "grant",
  "execute",
  "program",
  "never",
  "flow",
  "expect",
  "deny",
  "any",
  "except",
  "through",
  "request",
  "response",
  "error",
  "when",
  "audit",
  "and",
  "or",
  "in",
  "length",
];

/** All words that mean something by themselves. */
export const WORDS: readonly string[] = [...KEYWORDS, "not", "true", "false"];

/** Words with which a statement starts. */
export const STATEMENT_KEYWORDS: readonly string[] = [
  "class",
  "const",
  "interface",
  "use",
  "allow",
  "require",
  "grant",
  "never",
  "expect",
];

export const GRAMMAR = `
grammar Policy

entry Module: 'module' name=ID statements+=Statement*;

Statement: ClassStatement | ConstStatement | InterfaceStatement | UseStatement | ExecuteRule | MessageRule | GrantRule | NeverStatement | ExpectStatement;

ClassStatement: 'class' names+=Identifier (',' names+=Identifier)*;
ConstStatement: 'const' name=ID '=' value=Operand;
InterfaceStatement: 'interface' name=ID '(' (parameters+=Identifier (',' parameters+=Identifier)*)? ')' '{' statements+=InnerStatement* '}';
InnerStatement: UseStatement | MessageRule | GrantRule;
UseStatement: 'use' target=Path '(' (arguments+=Path (',' arguments+=Path)*)? ')';

ExecuteRule: 'allow' 'execute' subject=Path 'program' program=ProgramText;
MessageRule: kind=('allow' | 'require') (events+=Event (',' events+=Event)*)? subjects=Classes '->' targets=Classes methods=Methods ('when' condition=Expression)? (audit?='audit')?;
GrantRule: 'grant' subjects=Classes '->' targets=Classes methods=Methods;

NeverStatement: 'never' (
  flow?='flow' subjects=Classes '->' targets=Classes ('except' 'through' through=Members)?
  | grant?='grant' subjects=Classes '->' targets=Classes methods=Methods
  | execute?='execute' subjects=Classes 'program' program=ProgramText
  | subjects=Classes '->' targets=Classes methods=Methods?);

ExpectStatement: 'expect' verdict=('allow' | 'deny') (
  execute?='execute' subject=Path 'program' program=ProgramText
  | grant?='grant' subject=Path '->' target=Path methods=Methods
  | event=Event? subject=Path '->' target=Path (call?='(' (arguments+=Argument (',' arguments+=Argument)*)? ')')?);
Argument: (length?='length' '(' field=Text ')' | field=Text) '=' value=Operand;

Classes: any?='any' ('except' without=Members)? | members=Members;
Members: paths+=Path | braces?='{' paths+=Path (',' paths+=Path)* '}';
Methods: '{' (all?='*' | names+=Text (',' names+=Text)*) '}';

Path: segments+=Identifier ('.' segments+=Text)*;
Identifier: name=ID;
Text: name=Name;
ProgramText: name=ProgramName;
Event: name=('request' | 'response' | 'error');

Expression: Or;
Or infers Expression: And ({infer Or.terms+=current} ('or' terms+=And)+)?;
And infers Expression: Not ({infer And.terms+=current} ('and' terms+=Not)+)?;
Not infers Expression: {infer Not} 'not' operand=Not | Comparison;
Comparison infers Expression: Operand (
  {infer Binary.left=current} operator=('==' | '!=' | '<=' | '<' | '>=' | '>') right=Operand
  | {infer Membership.left=current} 'in' (low=Operand '..' high=Operand | '{' members+=Operand (',' members+=Operand)* '}'))?;
Operand infers Expression: Primary ({infer Mask.terms+=current} ('&' terms+=Primary)+)?;
Primary infers Expression:
  {infer Group} '(' inner=Expression ')'
  | {infer Length} 'length' '(' field=Text ')'
  | {infer NumberLiteral} (negative?='-')? digits=NUMBER
  | {infer BooleanLiteral} word=('true' | 'false')
  | {infer Reference} name=Name;

Name returns string: ID | ${KEYWORDS.map((word) => `'${word}'`).join(" | ")};

ProgramName returns string: Name ('-' (Name | NUMBER))*;

hidden terminal SPACE: /\\s+/;
terminal NUMBER: /0[xX][0-9a-fA-F_]+|0[bB][01_]+|[0-9][0-9_]*[KMG]?/;
terminal ID: /[A-Za-z_][A-Za-z0-9_]*/;
`;
