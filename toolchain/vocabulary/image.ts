/**
 * The vocabulary of image descriptions (`images/<name>.image.ts`). A description is data; the image
 * builder checks it against the manifests of its programs, the interfaces and the policy.
 */

export type Device =
  | { readonly kind: "ports"; readonly first: number; readonly count: number }
  | { readonly kind: "interrupt"; readonly line: number };
export const ports = (first: number, count: number): Device => ({ kind: "ports", first, count });
export const interrupt = (line: number): Device => ({ kind: "interrupt", line });

export interface SlotDescription {
  /** Folder of the program, relative to the root of the tree. */
  readonly program: string;
  /** Its class in the policy. */
  readonly class: string;
  /** 1 (low) … 255; the priority of its first thread. */
  readonly priority: number;
  /** Highest priority that a call may lend it; default: 255. */
  readonly ceiling?: number;
  readonly quota: {
    readonly pages: number;
    readonly handles?: number;
    readonly threads?: number;
    readonly objects?: number;
  };
  /** `uses` name → "slot.endpoint", or with a badge. */
  readonly channels?: Readonly<
    Record<string, string | { readonly to: string; readonly badge: number }>
  >;
  readonly devices?: Readonly<Record<string, Device>>;
  /** What the supervisor does when the instance ends. */
  readonly restart?: "never" | "onFault" | "always";
  /** Start with the system; default true. */
  readonly autostart?: boolean;
  /**
   * The program may be one that the machine-code verifier did not pass; without this the build
   * warns of it. Default false.
   */
  readonly mayBeUnverified?: boolean;
  /**
   * "slot.endpoint" that serves the interface Fault; default: the supervisor's, where it has one.
   */
  readonly faultHandler?: string;
}

export interface ImageDescription {
  readonly name: string;
  /** Policy version: only rises. */
  readonly version: number;
  /** Policy files, relative to the root of the tree; globs allowed. */
  readonly policy: readonly string[];
  /** Slot 0 is the first entry: the supervisor, which the kernel itself starts and restarts. */
  readonly slots: Readonly<Record<string, SlotDescription>>;
  /** After 5 deaths of slot 0 within 60 s. Default "stop". */
  readonly onSupervisorLoop?: "stop" | "reboot";
  /**
   * After a panic of the kernel. Default "stop". "reboot" here and above waits 10 s, and gives up
   * after 5 failures in a row.
   */
  readonly onPanic?: "stop" | "reboot";
  /**
   * Whether the processor keeps the translations of a domain while others run, each with the
   * domain's PCID, on processors that have PCIDs. Default "off": no machine has measured it.
   */
  readonly pcid?: "off" | "on";
}

export const defineImage = <const T extends ImageDescription>(description: T): T => description;
