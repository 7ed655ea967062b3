/**
 * The emulated machine as data, and its translation into QEMU's arguments. `trine run`, `trine
 * test`, the benches and `make debug` start the same machine.
 */

/** The medium that the machine boots from; paths are passed to QEMU unchanged. */
export type BootMedium =
  | { readonly kind: "iso"; readonly path: string }
  | { readonly kind: "disk"; readonly path: string }
  /** A PVH kernel started without a boot loader; its archive is the first module. */
  | { readonly kind: "kernel"; readonly path: string; readonly archive?: string };

export interface MachineOptions {
  readonly boot: BootMedium;
  /** The main image is specified for at least 64. */
  readonly memoryMiB?: number;
  /** QEMU's `-cpu`; for example `max,-smap`. */
  readonly cpu?: string;
  /** Counts guest instructions instead of time: the TSC advances by one for each instruction. */
  readonly countInstructions?: boolean;
  /** Uses the host's virtualization. Published figures are measured without it. */
  readonly accelerate?: boolean;
  /**
   * Waits on this TCP port of the loopback interface for a debugger, before the first instruction.
   */
  readonly debugPort?: number;
  /** Path of a Unix socket on which QEMU serves its control protocol. */
  readonly controlSocket?: string;
  /**
   * The guest's reset restarts the machine, as a real one does. Otherwise a reset ends QEMU, so
   * that an unattended run cannot loop.
   */
  readonly reboots?: boolean;
  /**
   * `pipe`: COM1 is standard input and output. `terminal`: COM1 shares them with QEMU's monitor
   * (ctrl-a c). `none`: the machine has no COM1.
   */
  readonly serial: "terminal" | "pipe" | "none";
  /** Without the port by which the guest reports its result, as on a real machine. */
  readonly withoutDebugExit?: boolean;
  readonly extra?: readonly string[];
}

export const QEMU_PROGRAM = "qemu-system-x86_64";

/** Writing v to this port ends QEMU with exit code 2v + 1. */
const DEBUG_EXIT_PORT = 0xf4;

const MEMORY_MIB_DEFAULT = 256;

/** The arguments for `options`; the same options always give the same arguments. */
export function qemuArguments(options: MachineOptions): string[] {
  return [
    "-nodefaults",
    "-no-user-config",
    ...["-machine", "pc"],
    ...["-accel", options.accelerate === true ? "kvm" : "tcg"],
    ...["-cpu", options.cpu ?? "max"],
    ...["-smp", "1"],
    ...["-m", `${options.memoryMiB ?? MEMORY_MIB_DEFAULT}M`],
    ...["-display", "none", "-vga", "std"],
    ...serialArguments(options.serial),
    ...(options.withoutDebugExit === true
      ? []
      : ["-device", `isa-debug-exit,iobase=0x${DEBUG_EXIT_PORT.toString(16)},iosize=0x04`]),
    ...(options.reboots === true ? [] : ["-no-reboot"]),
    ...bootArguments(options.boot),
    ...(options.countInstructions === true ? ["-icount", "shift=0,sleep=off"] : []),
    ...(options.debugPort === undefined
      ? []
      : ["-S", "-gdb", `tcp:127.0.0.1:${options.debugPort}`]),
    ...(options.controlSocket === undefined
      ? []
      : ["-qmp", `unix:${options.controlSocket},server=on,wait=off`]),
    ...(options.extra ?? []),
  ];
}

/**
 * The value that the guest wrote to the debug exit port, or null when QEMU ended for another
 * reason.
 */
export function guestExitValue(exitCode: number | null): number | null {
  return exitCode !== null && exitCode % 2 === 1 ? (exitCode - 1) / 2 : null;
}

function serialArguments(serial: MachineOptions["serial"]): string[] {
  if (serial === "terminal") return ["-serial", "mon:stdio"];
  if (serial === "none") return ["-serial", "none"];
  return ["-chardev", "stdio,id=com1,signal=off,mux=off", "-serial", "chardev:com1"];
}

function bootArguments(boot: BootMedium): string[] {
  switch (boot.kind) {
    case "iso":
      return [
        "-boot",
        "order=d",
        "-drive",
        `file=${escapeComma(boot.path)},media=cdrom,format=raw,readonly=on,if=ide`,
      ];
    case "disk":
      return [
        "-boot",
        "order=c",
        "-drive",
        `file=${escapeComma(boot.path)},media=disk,format=raw,snapshot=on,if=ide`,
      ];
    case "kernel":
      return [
        "-kernel",
        boot.path,
        ...(boot.archive === undefined ? [] : ["-initrd", boot.archive]),
      ];
  }
}

/** Doubles each comma, since a single comma ends the value of a QEMU option. */
function escapeComma(path: string): string {
  return path.replaceAll(",", ",,");
}
