/**
 * The same figures of other systems. Measured by us under the same emulator unless the row says
 * otherwise: QEMU 7.2 TCG, `-cpu max`, one CPU, idle guest, warm; guest instructions are counted
 * with `-icount shift=0,sleep=off`, each REP iteration as one.
 */
export interface Peer {
  /** The figure of Trine beside which it is shown: `Figure.id`. */
  readonly figure: string;
  readonly system: string;
  readonly value: string;
  readonly note?: string;
}

export const PEERS: readonly Peer[] = [
  {
    figure: "ipc-round-trip-0",
    system: "seL4 16.0, fast path",
    value: "421 (FPU off) / 449 (FPU on) / 469 (default Meltdown window)",
    note: "no security monitor",
  },
  { figure: "ipc-round-trip-0", system: "seL4 16.0 without its fast path", value: "1,520" },
  {
    figure: "ipc-round-trip-4",
    system: "seL4 16.0, fast path",
    value: "463 / 491 / 511",
    note: "the longest message that its fast path takes",
  },
  {
    figure: "ipc-round-trip-4",
    system: "Linux 6.1, pipe, 8 bytes",
    value: "10,575; with SELinux enforcing 11,443",
  },
  { figure: "ipc-round-trip-4", system: "Linux 6.1, futex over shared memory", value: "9,132" },
  { figure: "ipc-round-trip-64", system: "seL4 16.0, slow path", value: "2,235" },
  {
    figure: "ipc-round-trip-4096",
    system: "Linux 6.1, AF_UNIX SEQPACKET, 4,096 bytes",
    value: "18,976",
    note: "without ERMS",
  },
  {
    figure: "denied-call",
    system: "seL4 16.0, null system call",
    value: "82",
    note: "refuses by a missing capability, keeps no record",
  },
  { figure: "cheapest-call", system: "seL4 16.0, null system call", value: "82" },
  { figure: "cheapest-call", system: "Linux 6.1, getppid", value: "338" },
  {
    figure: "notice",
    system: "seL4 16.0, signal, no waiter / waiter of higher priority",
    value: "371 / 544",
  },
  {
    figure: "domain-start-and-end",
    system: "Linux 6.1, fork + exec + exit of a 512-byte static ELF",
    value: "463,656; vfork + exec 237,849",
  },
  { figure: "start-to-prompt", system: "seL4 16.0, to its first program", value: "0.37 s" },
  { figure: "start-to-prompt", system: "Linux 6.1, to its first program", value: "5.69 s" },
  { figure: "kernel-code-bytes", system: "seL4 16.0, stripped", value: "109 KiB" },
  { figure: "kernel-lines", system: "seL4 16.0, for x86-64", value: "20,700 lines of C" },
  {
    figure: "idle-domain-bytes",
    system: "Linux 6.1, process with one socket: 640-byte ELF / static glibc",
    value: "72.9 / 113.9 KiB",
    note: "average of 200",
  },
];
