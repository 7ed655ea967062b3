/**
 * What the bench image measures: a figure for each line that it prints, with the design's goal.
 */
import type { Figure } from "./figure.ts";

/** A goal in instructions or bytes, or one that follows from another figure of the same run. */
type Goal =
  | number
  | {
      /** `id` of the figure. */
      readonly of: string;
      readonly times?: number;
      readonly plus?: number;
    };

interface KernelFigure extends Pick<Figure, "id" | "about" | "unit"> {
  /** Of the line `bench NAME: MINIMUM MEDIAN ROUNDS`. */
  readonly line: string;
  readonly goal?: Goal;
  /** The bencher itself reads the counter around each sample, at a cost. Default: true. */
  readonly isTraced?: boolean;
}

/** The figure that others are compared with. */
export const PLAIN = "ipc-round-trip-4";
const STUBS = "stubs-round-trip-4";
const unit = "instructions";

/** In the order in which the image measures. */
export const KERNEL_FIGURES: readonly KernelFigure[] = [
  {
    line: "round trip, 0 words",
    id: "ipc-round-trip-0",
    about: "IPC round trip, 0 words",
    unit,
    goal: 300,
  },
  {
    line: "round trip, 4 words",
    id: PLAIN,
    about: "IPC round trip, 4 words",
    unit,
    goal: 320,
  },
  {
    line: "round trip, 64 words",
    id: "ipc-round-trip-64",
    about: "IPC round trip, 64 words",
    unit,
    goal: 1000,
  },
  {
    line: "round trip, 4 KiB",
    id: "ipc-round-trip-4096",
    about: "IPC round trip, 4 KiB of arena both ways",
    unit,
    goal: 800 + 1024,
  },
  {
    line: "round trip, timed",
    id: "ipc-round-trip-timed",
    about: "IPC round trip, 4 words, with a timeout",
    unit,
    goal: { of: PLAIN, plus: 70 },
  },
  {
    line: "round trip, nested",
    id: "ipc-round-trip-nested",
    about: "two IPC round trips, 4 words: a call whose server makes one before it answers",
    unit,
    goal: { of: PLAIN, times: 2 * 1.1 },
  },
  {
    line: "generated stubs, 0 words",
    id: "stubs-round-trip-0",
    about: "round trip, 0 words, generated stubs on both sides",
    unit,
    goal: 300,
  },
  {
    line: "generated stubs, 4 words",
    id: STUBS,
    about: "round trip, 4 words, generated stubs on both sides, fields written and read",
    unit,
    goal: 320,
  },
  {
    line: "generated stubs, 4 kinds of fields",
    id: "stubs-round-trip-kinds",
    about: "the same, a field each of enumeration, boolean, 16 and 64 bits",
    unit,
    goal: { of: STUBS, plus: 60 },
  },
  {
    line: "round trip, lower thread ready",
    id: "ipc-round-trip-lower",
    about: "IPC round trip, 4 words, a thread of lower priority ready",
    unit,
    goal: 320,
  },
  {
    line: "round trip, equal thread busy",
    id: "ipc-round-trip-equal",
    about: "IPC round trip, 4 words, a thread of equal priority always busy",
    unit,
    goal: 320,
  },
  {
    line: "generated stubs, lower thread ready",
    id: "stubs-round-trip-lower",
    about: "round trip, 4 words, generated stubs, a thread of lower priority ready",
    unit,
    goal: 320,
  },
  {
    line: "round trip, 30 domains more",
    id: "ipc-round-trip-30",
    about: "IPC round trip, 4 words, 30 domains more that wait",
    unit,
    goal: { of: PLAIN },
  },
  {
    line: "round trip, 200 domains more",
    id: "ipc-round-trip-200",
    about: "IPC round trip, 4 words, 200 domains more that wait",
    unit,
    goal: { of: PLAIN },
  },
  {
    line: "round trip, table of handles full",
    id: "ipc-round-trip-handles",
    about: "IPC round trip, 4 words, by a caller with 4,095 handles",
    unit,
    goal: { of: PLAIN },
  },
  {
    line: "denied call",
    id: "denied-call",
    about: "denied call, audit record included",
    unit,
    goal: 600,
  },
  {
    line: "clock.now",
    id: "cheapest-call",
    about: "cheapest checked system call (Clock.now)",
    unit,
    goal: 110,
  },
  { line: "bad handle", id: "bad-handle", about: "call on a handle that does not exist", unit },
  {
    line: "notice, to the listener",
    id: "notice",
    about: "notice: from `signal` to the return from `recv` of a waiting thread of higher priority",
    unit,
    goal: 450,
    isTraced: false,
  },
  {
    line: "notice, back",
    id: "notice-back",
    about: "notice: from there until that thread waits again and the signaller has returned",
    unit,
    goal: 250,
    isTraced: false,
  },
  {
    line: "interrupt to driver",
    id: "interrupt-to-driver",
    about: "interrupt, from the write that raises it to the driver's return from `recv`",
    unit,
    goal: 700,
    isTraced: false,
  },
  {
    line: "domain start",
    id: "domain-start",
    about: "domain start to its first answer",
    unit,
    isTraced: false,
  },
  {
    line: "domain end",
    id: "domain-end",
    about: "domain end, all of it given back",
    unit,
    isTraced: false,
  },
  {
    line: "idle domain, bytes",
    id: "idle-domain-bytes",
    about: "memory of an idle domain",
    unit: "bytes",
    goal: 44 * 1024,
    isTraced: false,
  },
];

/** The figures with their goals, of which some follow from other figures. */
export function withGoals(figures: readonly Figure[]): Figure[] {
  const goals = new Map(KERNEL_FIGURES.map(({ id, goal }) => [id, goal]));
  return figures.map((figure) => {
    const goal = goals.get(figure.id);
    if (goal === undefined) return figure;
    if (typeof goal === "number") return { ...figure, goal };
    const { value } = figures.find(({ id }) => id === goal.of)!;
    return { ...figure, goal: Math.floor(value * (goal.times ?? 1)) + (goal.plus ?? 0) };
  });
}
