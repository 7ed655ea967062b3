/** Text of a generated source file, line by line, with its indentation. */
export class SourceWriter {
  private readonly lines: string[] = [];
  private depth = 0;

  line(text = ""): this {
    this.lines.push(text === "" ? "" : "  ".repeat(this.depth) + text);
    return this;
  }

  /** `head {`, what `body` writes, `}`. */
  block(head: string, body: () => void, tail = "}"): this {
    this.line(`${head} {`);
    this.depth++;
    body();
    this.depth--;
    return this.line(tail);
  }

  /** A docstring, or nothing. Text that would end the comment is broken up. */
  doc(text: string | undefined): this {
    return text === undefined ? this : this.line(`/** ${text.replace(/\*\//g, "* /")} */`);
  }

  toString(): string {
    return `${this.lines.join("\n")}\n`;
  }
}
