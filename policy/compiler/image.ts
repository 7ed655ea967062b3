/** Image description and program manifests → slots with their initial handles, checked against each other. */
import { SLOTS_MAX, SLOT_HANDLES_MAX, SLOT_NONE } from "../../kernel/abi/blob.ts";
import { FAULT_INTERFACE, ObjectType, RIGHT_CALL, RIGHT_CONTROL, RIGHT_COPY, RIGHT_MINT, RIGHT_TRANSFER } from "../../kernel/abi/object.ts";
import { HANDLE_INDEX_FIRST_NAMED } from "../../kernel/abi/system-call.ts";
import type { SlotDescription } from "../../toolchain/image/define.ts";
import type { Diagnostic } from "../../toolchain/report/diagnostic.ts";
import type { InitialHandle, PolicyClass, Program, ProgramInput, Slot, SystemInput } from "./model.ts";
import { didYouMean } from "./suggest.ts";

const HANDLES_DEFAULT = 128;
const THREADS_DEFAULT = 8;
const OBJECTS_DEFAULT = 64;
const RESTART = { never: 0, onFault: 1, always: 2 } as const;
const QUOTA_MAX = 0xffffff;

/** An owner may do with its endpoint all that can be done: what it hands out has less. */
const RIGHTS_OWNER = RIGHT_CALL | RIGHT_TRANSFER | RIGHT_COPY | RIGHT_MINT;
/** Whether it really may be sent on or copied is for the policy to say. */
const RIGHTS_CHANNEL = RIGHT_CALL | RIGHT_TRANSFER | RIGHT_COPY;

export interface ReadImage {
  readonly slots: readonly Slot[];
  readonly programs: readonly Program[];
  readonly diagnostics: readonly Diagnostic[];
}

/** The programs of the slots in order of first use. */
export function programsOf(input: SystemInput): readonly ProgramInput[] {
  const folders = [...new Set(Object.values(input.image.slots).map((slot) => slot.program))];
  return folders.flatMap((folder) => input.programs.find((program) => program.folder === folder) ?? []);
}

export function readImage(input: SystemInput, classes: ReadonlyMap<string, PolicyClass>): ReadImage {
  return new ImageReader(input, classes).read();
}

class ImageReader {
  private readonly diagnostics: Diagnostic[] = [];
  private readonly input: SystemInput;
  private readonly classes: ReadonlyMap<string, PolicyClass>;
  private readonly programs: readonly ProgramInput[];
  private readonly names: readonly string[];

  constructor(input: SystemInput, classes: ReadonlyMap<string, PolicyClass>) {
    this.input = input;
    this.classes = classes;
    this.programs = programsOf(input);
    this.names = Object.keys(input.image.slots);
  }

  read(): ReadImage {
    const { image } = this.input;
    if (this.names.length === 0) this.refuse([], "the image has no slots", "slot 0 is the supervisor");
    if (this.names.length > SLOTS_MAX) this.refuse([], `the image has ${this.names.length} slots`, `at most ${SLOTS_MAX}`);
    if (!Number.isSafeInteger(image.version) || image.version < 0) this.refuse(["version"], `the version ${image.version} is no number that can rise`);
    const slots = Object.entries(image.slots).flatMap(([name, slot]) => this.slot(name, slot) ?? []);
    const programs = this.programs.map(({ description, folder, digest, verified }): Program => ({ name: description.name, folder, digest, verified }));
    const seen = new Set<string>();
    for (const program of programs) {
      if (seen.has(program.name)) this.refuse([], `two programs are called ${program.name}`, "rules name a program by its manifest's name");
      seen.add(program.name);
    }
    return { slots, programs, diagnostics: this.diagnostics };
  }

  private slot(name: string, slot: SlotDescription): Slot | undefined {
    if (!/^[\w-]{1,31}$/.test(name)) this.refuse([name], `\`${name}\` is no name of a slot`, "1 to 31 letters, digits, _ and -");
    const program = this.programs.findIndex((candidate) => candidate.folder === slot.program);
    const found = this.programs[program];
    if (found === undefined) {
      return this.refuse([name, "program"], `there is no program in \`${slot.program}\``, didYouMean(slot.program, this.input.programs.map((candidate) => candidate.folder)));
    }
    const policyClass = this.classes.get(slot.class);
    if (policyClass === undefined || policyClass.span === undefined) {
      return this.refuse([name, "class"], `no policy file declares the class \`${slot.class}\` of the slot ${name}`, didYouMean(slot.class, this.declared(), "add `class " + slot.class + "` to a policy file of the image"));
    }
    const { priority, quota } = slot;
    const ceiling = slot.ceiling ?? 255;
    if (!Number.isInteger(priority) || priority < 1 || priority > 255) this.refuse([name, "priority"], `the priority ${priority} of ${name} is not between 1 and 255`);
    else if (!Number.isInteger(ceiling) || ceiling < priority || ceiling > 255) this.refuse([name, "ceiling"], `the ceiling ${ceiling} of ${name} is not between its priority ${priority} and 255`);
    const handles = this.handles(name, slot, found);
    const quotas = { pages: quota.pages, handles: quota.handles ?? HANDLES_DEFAULT, threads: quota.threads ?? THREADS_DEFAULT, objects: quota.objects ?? OBJECTS_DEFAULT };
    for (const [what, value] of Object.entries(quotas)) {
      if (!Number.isInteger(value) || value < 1 || value > QUOTA_MAX) this.refuse([name, "quota"], `the quota of ${value} ${what} of ${name} is not between 1 and ${QUOTA_MAX}`);
    }
    if (handles.length + HANDLE_INDEX_FIRST_NAMED > quotas.handles) {
      this.refuse([name, "quota"], `${name} starts with ${handles.length + HANDLE_INDEX_FIRST_NAMED} handles and has a quota of ${quotas.handles}`, "raise `quota.handles`");
    }
    if (handles.length > SLOT_HANDLES_MAX) this.refuse([name], `${name} starts with ${handles.length} handles`, `at most ${SLOT_HANDLES_MAX}`);
    const fault = this.faultHandler(name, slot);
    return {
      name, classId: policyClass.id, program, priority, ceiling, quotaPages: quotas.pages, quotaHandles: quotas.handles, quotaThreads: quotas.threads, quotaObjects: quotas.objects,
      restart: RESTART[slot.restart ?? "never"], autostart: slot.autostart ?? true, faultSlot: fault.slot, faultEndpoint: fault.endpoint, handles,
    };
  }

  /** In the order that ProgramDescription fixes: serves, uses, kernel, devices. */
  private handles(name: string, slot: SlotDescription, program: ProgramInput): readonly InitialHandle[] {
    const { serves = {}, uses = {}, kernel = {}, devices = {} } = program.description;
    const own = this.names.indexOf(name);
    const classId = this.classes.get(slot.class)?.id ?? 0;
    const nothing = { interfaceId: 0, targetSlot: SLOT_NONE, targetEndpoint: 0, badge: 0n, first: 0, count: 0 };
    const handles: InitialHandle[] = Object.entries(serves).map(([endpoint, { id }], number) => ({
      ...nothing, name: endpoint, type: ObjectType.Endpoint, rights: RIGHTS_OWNER, interfaceId: id, targetSlot: own, targetEndpoint: number, classId,
    }));
    for (const [use, { id, name: interfaceName }] of Object.entries(uses)) {
      const channel = this.channel(name, slot, use, id, interfaceName);
      if (channel !== undefined) handles.push({ ...nothing, name: use, type: ObjectType.Endpoint, rights: RIGHTS_CHANNEL, interfaceId: id, ...channel });
    }
    for (const [handle, object] of Object.entries(kernel)) {
      const type = ObjectType[object];
      handles.push({ ...nothing, name: handle, type, rights: object === "Slots" ? RIGHT_CALL | RIGHT_CONTROL : RIGHT_CALL, interfaceId: type, classId: type });
    }
    for (const [device, kind] of Object.entries(devices)) {
      const given = slot.devices?.[device];
      if (given === undefined || given.kind !== kind) {
        this.refuse([name, "devices"], `${name} does not say which ${kind} \`${device}\` is`, kind === "ports" ? `devices: { ${device}: ports(0x3f8, 8) }` : `devices: { ${device}: interrupt(4) }`);
        continue;
      }
      const type = kind === "ports" ? ObjectType.Ports : ObjectType.Interrupt;
      const [first, count] = given.kind === "ports" ? [given.first, given.count] : [given.line, 0];
      const isFine = given.kind === "ports" ? first >= 0 && count > 0 && first + count <= 65536 : first >= 0 && first < 256;
      if (!isFine || !Number.isInteger(first) || !Number.isInteger(count)) this.refuse([name, "devices"], `${name}: \`${device}\` names ${kind} that do not exist`);
      handles.push({ ...nothing, name: device, type, rights: RIGHT_CALL, interfaceId: type, classId: type, first, count });
    }
    for (const channel of Object.keys(slot.channels ?? {})) {
      if (!(channel in uses)) this.refuse([name, "channels"], `${program.description.name} uses no \`${channel}\``, didYouMean(channel, Object.keys(uses), `its manifest uses ${listed(uses)}`));
    }
    for (const device of Object.keys(slot.devices ?? {})) {
      if (!(device in devices)) this.refuse([name, "devices"], `${program.description.name} has no device \`${device}\``, didYouMean(device, Object.keys(devices), `its manifest has ${listed(devices)}`));
    }
    for (const { name: handle } of handles) {
      if (!/^\w{1,63}$/.test(handle)) this.refuse([name], `${program.description.name}: \`${handle}\` is no name of a handle`);
    }
    return handles;
  }

  private channel(
    name: string, slot: SlotDescription, use: string, interfaceId: number, interfaceName: string,
  ): Pick<InitialHandle, "targetSlot" | "targetEndpoint" | "badge" | "classId"> | undefined {
    const channel = slot.channels?.[use];
    if (channel === undefined) return this.refuse([name, "channels"], `${name} does not say whose ${interfaceName} \`${use}\` is`, `channels: { ${use}: "slot.endpoint" }`);
    const [to, badge] = typeof channel === "string" ? [channel, 0] : [channel.to, channel.badge];
    if (!Number.isSafeInteger(badge) || badge < 0) return this.refuse([name, "channels", use], `the badge ${badge} is no whole number`);
    const end = this.endpoint([name, "channels", use], to);
    if (end === undefined) return undefined;
    if (end.slotName === name) return this.refuse([name, "channels", use], `${name} would call itself by \`${use}\``, "it would wait for its own answer");
    if (end.interfaceId !== interfaceId) return this.refuse([name, "channels", use], `\`${to}\` serves ${end.interfaceName}, not ${interfaceName}`);
    const classId = this.classes.get(this.input.image.slots[end.slotName]?.class ?? "")?.id ?? 0;
    return { targetSlot: end.slot, targetEndpoint: end.endpoint, badge: BigInt(badge), classId };
  }

  private faultHandler(name: string, slot: SlotDescription): { readonly slot: number; readonly endpoint: number } {
    const none = { slot: SLOT_NONE, endpoint: 0 };
    if (slot.faultHandler !== undefined) {
      const end = this.endpoint([name, "faultHandler"], slot.faultHandler);
      if (end === undefined) return none;
      if (end.interfaceId === FAULT_INTERFACE) return end;
      this.refuse([name, "faultHandler"], `\`${slot.faultHandler}\` serves ${end.interfaceName}, not Fault`);
      return none;
    }
    const supervisor = this.names[0];
    if (supervisor === undefined || supervisor === name) return none;
    const serves = Object.values(this.programOf(supervisor)?.description.serves ?? {});
    const endpoint = serves.findIndex((served) => served.id === FAULT_INTERFACE);
    return endpoint < 0 ? none : { slot: 0, endpoint };
  }

  /** "slot.endpoint" */
  private endpoint(where: readonly string[], to: string) {
    const [slotName = "", endpointName = "", ...more] = to.split(".");
    if (endpointName === "" || more.length > 0) return this.refuse(where, `\`${to}\` is not of the form "slot.endpoint"`);
    const slot = this.names.indexOf(slotName);
    if (slot < 0) return this.refuse(where, `there is no slot \`${slotName}\``, didYouMean(slotName, this.names));
    const serves = Object.entries(this.programOf(slotName)?.description.serves ?? {});
    const endpoint = serves.findIndex(([served]) => served === endpointName);
    const served = serves[endpoint];
    if (served === undefined) return this.refuse(where, `${slotName} serves no \`${endpointName}\``, didYouMean(endpointName, serves.map(([other]) => other), `its manifest serves ${listed(Object.fromEntries(serves))}`));
    return { slot, slotName, endpoint, interfaceId: served[1].id, interfaceName: served[1].name };
  }

  private programOf(slotName: string): ProgramInput | undefined {
    const folder = this.input.image.slots[slotName]?.program;
    return this.programs.find((program) => program.folder === folder);
  }

  private declared(): readonly string[] {
    return [...this.classes.values()].filter((known) => known.span !== undefined).map((known) => known.name);
  }

  /** `path` are keys of the description, outermost first: their place in the text is where the mistake is. */
  private refuse(path: readonly string[], message: string, help?: string): undefined {
    const file = this.input.imageFile;
    const place = file === undefined ? {} : { file, ...locate(this.input.imageText ?? "", path) };
    this.diagnostics.push({ severity: "error", ...place, message, ...(help === undefined ? {} : { help }) });
    return undefined;
  }
}

function listed(record: Readonly<Record<string, unknown>>): string {
  const names = Object.keys(record);
  return names.length === 0 ? "nothing" : names.map((name) => `\`${name}\``).join(", ");
}

/** Where the last of these keys stands, each looked for behind the one before. A slot is told from a channel of its name by its `{`. */
function locate(text: string, path: readonly string[]): { readonly line: number; readonly column: number } | undefined {
  let at = 0;
  let found = -1;
  for (const [place, key] of path.entries()) {
    const opens = place === 0 && key !== "version" ? "\\s*\\{" : "";
    const match = new RegExp(`(?<![\\w-])["']?${key.replace(/[^\w]/g, "\\$&")}["']?\\s*:${opens}`, "g");
    match.lastIndex = at;
    const next = match.exec(text);
    if (next === null) break;
    found = next.index;
    at = match.lastIndex;
  }
  if (found < 0) return undefined;
  const before = text.slice(0, found).split("\n");
  return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
}
