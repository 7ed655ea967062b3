import { beforeEach, expect, test } from "vitest";
import { ShellSystem } from "../../../tests/support/shell-system.ts";

let system: ShellSystem;
beforeEach(() => void (system = new ShellSystem()));
const type = (...pieces: readonly string[]): Promise<string> => system.type(...pieces);

test("the terminal is asked for its width when the shell starts and when the screen is cleared", async () => {
  await type("\x0c");
  expect(system.shown.match(/\x1b\[999C\x1b\[6n\r/g)).toHaveLength(2);
});

test("the prompt is `trine> `, with the cursor behind it", async () => {
  await type();
  expect(system.shown.endsWith("\r\x1b[1mtrine> \x1b[0m\x1b[K\r\x1b[7C")).toBe(true);
});

test.each([
  ["what is typed is entered", "help\r", "help"],
  ["backspace takes the last character", "helpx\x7f\r", "help"],
  ["left and insert", "hlp\x1b[D\x1b[De\r", "help"],
  ["home and end", "elp\x1b[Hh\x1b[F!\r", "help!"],
  ["delete takes the next character", "xhelp\x1b[H\x1b[3~\r", "help"],
  ["^A and ^E", "elp\x01h\x05!\r", "help!"],
  ["^K takes the rest", "help me\x1b[D\x1b[D\x1b[D\x0b\r", "help"],
  ["^U takes what is before", "nonsense help\x1b[D\x1b[D\x1b[D\x1b[D\x15\r", "help"],
  ["^W takes a word", "help me\x17\r", "help "],
  ["alt and backspace takes a word", "help me\x1b\x7f\r", "help "],
  [
    "control and the arrows move by words",
    "help me now\x1b[1;5D\x1b[1;5Dyou or \x1b[1;5C!\r",
    "help you or me! now",
  ],
  ["alt-B and alt-F move by words", "help me now\x1bb\x1bbyou or \x1bf!\r", "help you or me! now"],
  ["shift and an arrow is the arrow", "hlp\x1b[1;2D\x1b[1;2De\r", "help"],
  ["delete with control is delete", "xhelp\x1b[H\x1b[3;5~\r", "help"],
  ["enter after escape is enter", "help\x1b\r", "help"],
  ["^C discards the line", "nonsense\x03help\r", "help"],
  ["a character of several bytes is one", "hélp\x1b[D\x1b[D\x7fe\r", "help"],
  ["home with a number, end with a letter O", "elp\x1b[1~h\x1bOF!\r", "help!"],
  ["unknown sequences are nothing", "he\x1b[21~\x1b[1;5Xlp\r", "help"],
])("editing: %s", async (_what, typed, line) => {
  await type(typed);
  expect(system.lastLine).toBe(line);
});

test("keys may arrive byte by byte", async () => {
  await type(..."hlp\x1b[D\x1b[De\r");
  expect(system.lastLine).toBe("help");
});

test("carriage return with line feed enters one line", async () => {
  const shown = await type("nonsense\r\nnonsense\r\n");
  expect(shown.match(/there is no command/g)).toHaveLength(2);
});

test("up and down go through the history, and keep the line being typed", async () => {
  await type("uptime\r", "about\r", "half\x1b[A\x1b[A\x1b[B\x1b[B\r");
  expect(system.lastLine).toBe("half");
  system = new ShellSystem();
  await type("uptime\r", "about\r", "\x1b[A\x1b[A\x1b[A\r");
  expect(system.lastLine).toBe("uptime");
});

test("the history keeps the newest 32 lines", async () => {
  await type(
    ...Array.from({ length: 40 }, (_, index) => `ping ${index + 1}\r`),
    `${"\x1b[A".repeat(50)}\r`,
  );
  expect(system.lastLine).toBe("ping 9");
});

test("a long line shows the part around the cursor while it is edited, and all of it when entered", async () => {
  const long = Array.from({ length: 30 }, (_, index) => `w${index}`).join(" ");
  const drawn = async (...pieces: string[]) => {
    await type(...pieces);
    return [...system.shown.matchAll(/trine> \x1b\[0m(.*?)\x1b\[K\r\x1b\[(\d+)C/g)].map(
      ([, text, column]) => [text!, Number(column)] as const,
    );
  };
  expect((await drawn(long)).at(-1)).toEqual([long.slice(-72), 79]);
  expect((await drawn(long, "\x1b[H")).at(-1)).toEqual([long.slice(0, 72), 7]);
  expect((await drawn(long, "\r")).at(-2)).toEqual([long, 7 + long.length]);
  // A terminal that reports its width; function keys that look like such a report.
  expect((await drawn("\x1b[24;60R", long)).at(-1)).toEqual([long.slice(-52), 59]);
  expect((await drawn("\x1b[24;300R", long)).at(-1)).toEqual([long, 7 + long.length]);
  expect((await drawn("\x1b[1;2R\x1bOR", long)).at(-1)).toEqual([long.slice(-72), 79]);
});

test("a line of 200 bytes is run", async () => {
  const shown = await type(`uptime${" ".repeat(194)}`, "\r");
  expect(system.shown).not.toContain("\x07");
  expect(shown).toContain("running for");
});

test("input beyond 200 bytes rings the bell, is reported once, and the line is not run", async () => {
  const shown = await type(`uptime${" ".repeat(195)}`, "x", "y", "\r", "about\r");
  expect(system.shown.match(/\x07/g)).toHaveLength(3);
  expect(shown.match(/the line is full: it has at most 200 bytes/g)).toHaveLength(1);
  expect(shown).toContain("not run: a line has at most 200 bytes, and 3 more were typed\n");
  expect(shown).not.toContain("running for");
  expect(shown).toContain("a microkernel operating system");
});

test("a pasted line that is cut is not run", async () => {
  const shown = await type(`kill serial ${"x".repeat(300)}\ruptime\r`);
  expect(shown).toContain("not run: a line has at most 200 bytes, and 112 more were typed");
  expect(shown).not.toContain("was killed");
  expect(shown).toContain("running for");
});

test("a line that was too long is run after an edit", async () => {
  expect(await type(`uptime${" ".repeat(300)}`, "\x7f", "\r")).toContain("running for");
  expect(await type(`uptime${" ".repeat(300)}`, "\r", "\x1b[A", "\r")).toContain("running for");
  expect(await type("x".repeat(300), "\x03uptime\r")).toContain("running for");
});

test("a line may consist of many words", async () => {
  expect(await type(`${"trace shell echo ".repeat(11)}uptime\r`)).toContain("running for");
});

test("input is shown at once, also if a key without a meaning follows", async () => {
  await type("upt\x14");
  expect(system.shown).toMatch(/upt\x1b\[K\r\x1b\[10C$/);
});

test.each([
  ["a command", "upt\t\r", "uptime "],
  ["the part that is common", "s\t\r", "s"],
  ["a domain", "kill ser\t\r", "kill serial "],
  ["the command that another takes", "help upt\t\r", "help uptime "],
  ["a command within a trace", "trace shell echo upt\t\r", "trace shell echo uptime "],
  ["a domain behind that", "trace shell echo kill ser\t\r", "trace shell echo kill serial "],
  ["in the middle of a line", "handles con x\x1b[D\x1b[D\t\r", "handles console  x"],
  ["a class", "why Sup\t\r", "why Supervisor "],
  ["a class or a domain, as it is written", "why Shell con\t\r", "why Shell console "],
  ["a class as the target", "why shell Con\t\r", "why shell Console "],
  ["a method of the target", "why shell Console re\t\r", "why shell Console read "],
  ["a method of the target's domain", "why shell console wr\t\r", "why shell console write "],
  [
    "a method with its interface",
    "why shell Console Colours.wa\t\r",
    "why shell Console Colours.wash ",
  ],
  ["a method of nothing", "why shell nowhere wr\t\r", "why shell nowhere wr"],
  ["a method of a class that serves none", "why shell Echo wr\t\r", "why shell Echo wr"],
  ["nothing behind the method", "why shell Console write ser\t\r", "why shell Console write ser"],
  [
    "a question within a trace",
    "trace shell echo why shell Console re\t\r",
    "trace shell echo why shell Console read ",
  ],
  ["nothing", "zzz\t\r", "zzz"],
])("completion of %s", async (_what, typed, line) => {
  await type(typed);
  expect(system.lastLine).toBe(line);
});

test("several candidates are shown below the line as it was typed", async () => {
  await type("s\t");
  expect(system.shown).toMatch(/s\x1b\[K\r\x1b\[8C\nstart {2}stop {2}shutdown/);
});

test("a method that several interfaces have is shown once", async () => {
  await type("why shell Console \t");
  expect(system.shown).toMatch(/\nwrite {2}read {2}wash {2}\n/);
});
