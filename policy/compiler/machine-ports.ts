/**
 * I/O ports that no image may give to a slot: a program that writes there can stop the machine,
 * reach all memory, or take time and interrupts from all others.
 * kernel/monitor/blob/machine-ports.ts has the same ranges for the kernel's own verifier (a test
 * compares them).
 *
 * Chipsets decode some of them again a few ports further on, so the ranges hold these aliases, too.
 * No table can name what a board puts at places of its own (ACPI registers, bridges): SECURITY.md
 * says who is responsible for it.
 *
 * COM1 (0x3f8 … 0x3ff) is not among them. The kernel sets it up before the first slot starts, then
 * only writes to it, and shares it with the one slot that has it. So are the index registers of the
 * VGA screen (0x3d4, 0x3d5), which the kernel writes once.
 */
interface MachinePorts {
  readonly first: number;
  readonly last: number;
  /** For messages. */
  readonly owner: string;
}

export const MACHINE_PORTS: readonly MachinePorts[] = [
  { first: 0x0000, last: 0x001f, owner: "the DMA controller" },
  { first: 0x0020, last: 0x003f, owner: "the interrupt controller" },
  { first: 0x0040, last: 0x005f, owner: "the timer" },
  // 0x60 alone is the keyboard's data. By 0x64 the keyboard controller resets the machine; 0x62 and
  // 0x66 are the embedded controller's.
  {
    first: 0x0061,
    last: 0x0067,
    owner: "the timer's gate, the NMI and the keyboard controller, which resets the machine",
  },
  { first: 0x0070, last: 0x0077, owner: "the CMOS memory, which masks the NMI" },
  { first: 0x0080, last: 0x009f, owner: "the DMA controller and the fast reset (0x92)" },
  { first: 0x00a0, last: 0x00bf, owner: "the second interrupt controller and the firmware (0xb2)" },
  { first: 0x00c0, last: 0x00df, owner: "the second DMA controller" },
  { first: 0x00f0, last: 0x00ff, owner: "the coprocessor and the emulator's exit (0xf4)" },
  {
    first: 0x0400,
    last: 0x04ff,
    owner: "the chipset: power, DMA, and how interrupts are triggered (0x4d0)",
  },
  // Its DMA engine writes to any address.
  {
    first: 0x0510,
    last: 0x051f,
    owner: "the emulator's firmware configuration, which reaches all memory",
  },
  { first: 0x0600, last: 0x067f, owner: "the power management of QEMU's machines" },
  {
    first: 0x0c00,
    last: 0x0cff,
    owner: "the chipset: PCI configuration (0xcf8), reset (0xcf9), power",
  },
  { first: 0x5658, last: 0x565b, owner: "the emulator's back door" },
  {
    first: 0xae00,
    last: 0xb03f,
    owner: "the power management and hotplug of QEMU's older machine",
  },
];

/** The first of the machine's ranges that these ports touch. `count` is at least 1. */
export function machinePorts(first: number, count: number): MachinePorts | undefined {
  return MACHINE_PORTS.find((range) => first <= range.last && range.first < first + count);
}
