/**
 * What manifests and image descriptions must look like. Whether they fit each other, the interfaces
 * and the policy is for the policy compiler to say.
 */
import { STACK_BYTES_MAX, STACK_BYTES_MIN } from "../../kernel/abi/address-space.ts";
import {
  QUOTA_HANDLES_MAX,
  QUOTA_OBJECTS_SUM_MAX,
  QUOTA_PAGES_MAX,
  QUOTA_THREADS_MAX,
} from "../../kernel/abi/blob.ts";
import { KEYWORDS } from "../idl/check.ts";
import { type Shape, type ShapeFinding, checkShape } from "../idl/shape.ts";
import type { ProgramDescription } from "../vocabulary/program.ts";

const name = (help: string): Shape => ({ kind: "text", pattern: /./, help });
const SERVED: Shape = {
  kind: "map",
  of: { kind: "object", help: "an interface: import it from services/interfaces" },
  help: "`{ name: Interface }`",
};
const NUMBER_MAX = Number.MAX_SAFE_INTEGER;

const PROGRAM: Shape = {
  kind: "record",
  help: "write `export default defineProgram({ … })`",
  keys: {
    name: {
      kind: "text",
      pattern: /^[a-z][A-Za-z0-9]*$/,
      help: "letters and digits, the first a small letter: policies name it so",
    },
    entry: {
      kind: "text",
      pattern: /\.(ts|asm)$/,
      help: 'the file beside the manifest that the program starts with: `entry: "main.ts"`',
    },
  },
  optional: {
    serves: SERVED,
    uses: SERVED,
    kernel: {
      kind: "map",
      of: { kind: "choice", of: ["Clock", "Audit", "Policy", "Slots", "Log", "Trace", "System"] },
      help: '`{ clock: "Clock" }`',
    },
    devices: {
      kind: "map",
      of: { kind: "choice", of: ["ports", "interrupt"] },
      help: '`{ registers: "ports" }`',
    },
    // Linear memory is 4 GiB. Stack, code and globals share 2 MiB: the linker says when they do not
    // fit.
    memoryPagesMax: { kind: "number", min: 2, max: 65536 },
    stackBytes: { kind: "number", min: STACK_BYTES_MIN, max: STACK_BYTES_MAX },
    level: { kind: "choice", of: ["v1", "v2", "v3"] },
  },
};

const CHANNEL: Shape = {
  kind: "textOr",
  text: { kind: "text", help: '"slot.endpoint", or `{ to: "slot.endpoint", badge: 7 }`' },
  or: {
    kind: "record",
    keys: { to: name('"slot.endpoint"') },
    optional: { badge: { kind: "number", min: 0, max: NUMBER_MAX } },
    help: "",
  },
};

const SLOT: Shape = {
  kind: "record",
  help: "a slot is `{ program, class, priority, quota, … }`",
  keys: {
    program: name('the folder of a program: "services/console"'),
    class: name("the program's class in the policy"),
    priority: { kind: "number", min: 1, max: 255 },
    quota: {
      kind: "record",
      keys: { pages: { kind: "number", min: 1, max: QUOTA_PAGES_MAX } },
      optional: {
        handles: { kind: "number", min: 1, max: QUOTA_HANDLES_MAX },
        threads: { kind: "number", min: 1, max: QUOTA_THREADS_MAX },
        objects: { kind: "number", min: 1, max: QUOTA_OBJECTS_SUM_MAX },
      },
      help: "`{ pages: 64 }`, at 4 KiB a page",
    },
  },
  optional: {
    ceiling: { kind: "number", min: 1, max: 255 },
    channels: { kind: "map", of: CHANNEL, help: '`{ console: "console.terminal" }`' },
    devices: {
      kind: "map",
      of: { kind: "object", help: "`ports(0x3f8, 8)` or `interrupt(4)`" },
      help: "`{ registers: ports(0x3f8, 8) }`",
    },
    restart: { kind: "choice", of: ["never", "onFault", "always"] },
    autostart: { kind: "flag" },
    mayBeUnverified: { kind: "flag" },
    faultHandler: name('"slot.endpoint"'),
  },
};

const IMAGE: Shape = {
  kind: "record",
  help: "write `export default defineImage({ … })`",
  keys: {
    name: name("the image's name, as its file is called"),
    version: { kind: "number", min: 0, max: NUMBER_MAX },
    policy: {
      kind: "list",
      of: name('"policy/modules/*.policy"'),
      help: '`policy: ["policy/modules/*.policy"]`',
    },
    slots: {
      kind: "map",
      of: SLOT,
      help: "`slots: { supervisor: { … }, … }`, the supervisor first",
    },
  },
  optional: {
    onSupervisorLoop: { kind: "choice", of: ["stop", "reboot"] },
    onPanic: { kind: "choice", of: ["stop", "reboot"] },
    pcid: { kind: "choice", of: ["off", "on"] },
  },
};

export function checkProgram(description: unknown): ShapeFinding[] {
  const findings = checkShape(description, PROGRAM, "the manifest");
  return findings.length > 0 ? findings : checkHandleNames(description as ProgramDescription);
}

/** Handles of all groups become constants of one generated file. */
function checkHandleNames(program: ProgramDescription): ShapeFinding[] {
  const seen = new Map<string, string>();
  return (["serves", "uses", "kernel", "devices"] as const).flatMap((group) =>
    Object.keys(program[group] ?? {}).flatMap((handle): ShapeFinding[] => {
      const path = [group, handle];
      const other = seen.get(handle);
      seen.set(handle, group);
      if (other !== undefined)
        return [
          {
            path,
            message: `\`${handle}\` is the name of a handle in \`${other}\` already`,
            help: "a program names each of its handles once",
          },
        ];
      if (KEYWORDS.has(handle))
        return [
          {
            path,
            message: `\`${handle}\` cannot name a handle: the language uses the word`,
            help: "choose another word",
          },
        ];
      if (!/^[a-z][A-Za-z0-9]{0,62}$/.test(handle))
        return [
          {
            path,
            message: `\`${handle}\` is no name for a handle`,
            help: "camelCase: at most 63 letters and digits, the first a small letter",
          },
        ];
      return [];
    }),
  );
}

export function checkImage(description: unknown): ShapeFinding[] {
  return checkShape(description, IMAGE, "the description");
}
