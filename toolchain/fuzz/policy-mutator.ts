/**
 * Policy files, damaged as people and merges damage them, and text of the language's own words in
 * no order. All of it follows from the random numbers.
 */
import { WORDS } from "../../policy/compiler/words.ts";
import type { PolicyFile } from "../../policy/compiler/parse.ts";
import type { Random } from "./random.ts";

const EDITS_MAX = 3;
const CUT_CHARACTERS_MAX = 60;
const COPY_CHARACTERS_MAX = 80;
const SOUP_TOKENS_MAX = 400;
/** Tokens, ends of ranges, and what must not stand in a file at all. */
const SCRAPS = [
  ...WORDS,
  "(",
  ")",
  "{",
  "}",
  "->",
  ",",
  ".",
  "..",
  "*",
  "=",
  "==",
  "!=",
  "<",
  ">=",
  "&",
  "-",
  "/*",
  "*/",
  "//",
  "\r",
  "\n",
  "\u202e",
  "\u00e9",
  "\0",
  "0",
  "0x",
  "64K",
  "9999999999999999999999",
  "kernel.Slots",
  "any except",
  "not not",
  "constructor",
  "__proto__",
];
const TOKEN = /[A-Za-z_]\w*|\d\w*|->|[=!<>]=|\.\.|[^\s\w]/g;

export class PolicyMutator {
  private readonly files: readonly PolicyFile[];
  private readonly random: Random;
  /** Names of each kind that the files have: capitalised ones are classes and interfaces. */
  private readonly names: readonly string[];
  private readonly classes: readonly string[];
  private readonly numbers: readonly string[];
  /** What soup is made of. */
  private readonly kinds: readonly (readonly string[])[];

  constructor(files: readonly PolicyFile[], random: Random) {
    this.files = files;
    this.random = random;
    const tokens = [...new Set(files.flatMap(({ text }) => text.match(TOKEN) ?? []))];
    this.names = tokens.filter((token) => /^[a-z_]/.test(token));
    this.classes = tokens.filter((token) => /^[A-Z]/.test(token));
    this.numbers = tokens.filter((token) => /^\d/.test(token));
    this.kinds = [SCRAPS, WORDS, this.names, this.classes, this.numbers].filter(
      (kind) => kind.length > 0,
    );
  }

  /** The files with a few edits, or one of them replaced by words in no order. */
  mutant(): readonly PolicyFile[] {
    const { random } = this;
    const files = this.files.map((file) => ({ ...file }));
    if (random.chance(15)) {
      random.pick(files).text = this.soup();
      return files;
    }
    for (let edits = 1 + random.below(EDITS_MAX); edits > 0; edits--) {
      const file = random.pick(files);
      file.text = random.chance(50) ? this.exchange(file.text) : this.cut(file.text);
    }
    return files;
  }

  /** Starts as a module does, most of the time, so that the parser goes on to what follows. */
  private soup(): string {
    const { random } = this;
    const tokens = random.chance(80) ? ["module", "soup"] : [];
    for (let count = random.below(SOUP_TOKENS_MAX); count > 0; count--)
      tokens.push(random.pick(random.pick(this.kinds)));
    return tokens.join(random.chance(90) ? " " : "");
  }

  /**
   * One token becomes another of its kind: most such files can be parsed, and mean something else.
   */
  private exchange(text: string): string {
    const tokens = [...text.matchAll(TOKEN)];
    if (tokens.length === 0) return text;
    const { 0: token, index } = this.random.pick(tokens);
    const kind =
      [this.names, this.classes, this.numbers].find((names) => names.includes(token)) ?? SCRAPS;
    return `${text.slice(0, index)}${this.random.pick(kind)}${text.slice(index + token.length)}`;
  }

  /** Characters go, and those of another place or a scrap may come. */
  private cut(text: string): string {
    const { random } = this;
    const from = random.below(text.length + 1);
    const length = random.below(random.chance(25) ? CUT_CHARACTERS_MAX : 3);
    const other = random.pick(this.files).text;
    const at = random.below(other.length + 1);
    const scrap = random.chance(33)
      ? other.slice(at, at + random.below(COPY_CHARACTERS_MAX))
      : random.pick(SCRAPS);
    return `${text.slice(0, from)}${random.chance(25) ? "" : ` ${scrap} `}${text.slice(from + length)}`;
  }
}
