/**
 * Image description and program manifests → slots with their initial handles, checked against each
 * other.
 */
import {
  QUOTA_HANDLES_MAX,
  QUOTA_OBJECTS_SUM_MAX,
  QUOTA_PAGES_MAX,
  QUOTA_THREADS_MAX,
  QUOTA_THREADS_SUM_MAX,
  SLOTS_MAX,
  SLOT_ENDPOINTS_MAX,
  SLOT_HANDLES_MAX,
  SLOT_NONE,
} from "../../kernel/abi/blob.ts";
import {
  FAULT_INTERFACE,
  ObjectType,
  RIGHT_CALL,
  RIGHT_CONTROL,
  RIGHT_COPY,
  RIGHT_MINT,
  RIGHT_TRANSFER,
} from "../../kernel/abi/object.ts";
import { HANDLE_INDEX_FIRST_NAMED } from "../../kernel/abi/system-call.ts";
import { CASCADE_LINE, INTERRUPT_LINES, PORTS, TIMER_LINE } from "../../kernel/abi/device.ts";
import { placeInText } from "../../toolchain/idl/locate.ts";
import type { SlotDescription } from "../../toolchain/vocabulary/image.ts";
import type { Diagnostic } from "../../toolchain/report/diagnostic.ts";
import { didYouMean } from "../../toolchain/report/suggest.ts";
import { machinePorts } from "./machine-ports.ts";
import { pagesToStart, threadsThatFit } from "./program-fit.ts";
import type {
  InitialHandle,
  PolicyClass,
  Program,
  ProgramInput,
  Slot,
  SystemInput,
} from "./model.ts";

/** Two pages of a domain's own table. */
const HANDLES_DEFAULT = 128;
/**
 * What as many slots as an image can have could all be given: an image whose slots say nothing is
 * never refused for its sums.
 */
const THREADS_DEFAULT = QUOTA_THREADS_SUM_MAX / SLOTS_MAX;
const OBJECTS_DEFAULT = QUOTA_OBJECTS_SUM_MAX / SLOTS_MAX;
const RESTART = { never: 0, onFault: 1, always: 2 } as const;
/** How many of the largest are named where a sum is too large. */
const LARGEST_NAMED = 3;

/** An owner may do with its endpoint all that can be done: what it hands out has less. */
const RIGHTS_OWNER = RIGHT_CALL | RIGHT_TRANSFER | RIGHT_COPY | RIGHT_MINT;
/** Whether it really may be sent on or copied is for the policy to say. */
const RIGHTS_CHANNEL = RIGHT_CALL | RIGHT_TRANSFER | RIGHT_COPY;

interface ReadImage {
  readonly slots: readonly Slot[];
  readonly programs: readonly Program[];
  readonly diagnostics: readonly Diagnostic[];
}

/** The programs of the slots in order of first use. */
function programsOf(input: SystemInput): readonly ProgramInput[] {
  const folders = [...new Set(Object.values(input.image.slots).map((slot) => slot.program))];
  return folders.flatMap(
    (folder) => input.programs.find((program) => program.folder === folder) ?? [],
  );
}

export async function readImage(
  input: SystemInput,
  classes: ReadonlyMap<string, PolicyClass>,
): Promise<ReadImage> {
  const reader = new ImageReader(input, classes);
  const read = reader.read();
  return {
    ...read,
    diagnostics: await Promise.all(reader.mistakes.map((mistake) => inImage(input, mistake))),
  };
}

/** What is wrong with an image's description. */
interface Mistake {
  /** Keys of the description, outermost first: where it is. */
  readonly path: readonly string[];
  readonly message: string;
  readonly help: string | undefined;
}

/** The mistake with its place in the image's text, where that is known. */
export async function inImage(
  { imageFile, imageText }: SystemInput,
  { path, message, help }: Mistake,
): Promise<Diagnostic> {
  const place =
    imageFile === undefined
      ? {}
      : {
          file: imageFile,
          ...(imageText === undefined ? {} : await placeInText(imageFile, imageText, path)),
        };
  return { severity: "error", ...place, message, ...(help === undefined ? {} : { help }) };
}

class ImageReader {
  readonly mistakes: Mistake[] = [];
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

  read(): Omit<ReadImage, "diagnostics"> {
    const { image } = this.input;
    if (this.names.length === 0)
      this.refuse([], "the image has no slots", "slot 0 is the supervisor");
    if (this.names.length > SLOTS_MAX)
      this.refuse([], `the image has ${this.names.length} slots`, `at most ${SLOTS_MAX}`);
    if (!Number.isSafeInteger(image.version) || image.version < 0)
      this.refuse(["version"], `the version ${image.version} is no number that can rise`);
    const slots = Object.entries(image.slots).flatMap(
      ([name, slot]) => this.slot(name, slot) ?? [],
    );
    const programs = this.programs.map(
      ({ description, folder, digest, verified }): Program => ({
        name: description.name,
        folder,
        digest,
        verified,
      }),
    );
    const seen = new Set<string>();
    for (const program of programs) {
      if (seen.has(program.name))
        this.refuse(
          [],
          `two programs are called ${program.name}`,
          "rules name a program by its manifest's name",
        );
      seen.add(program.name);
    }
    this.share(slots);
    this.sum(slots, "threads", (slot) => slot.quotaThreads, QUOTA_THREADS_SUM_MAX, THREADS_DEFAULT);
    this.sum(slots, "objects", (slot) => slot.quotaObjects, QUOTA_OBJECTS_SUM_MAX, OBJECTS_DEFAULT);
    return { slots, programs };
  }

  private slot(name: string, slot: SlotDescription): Slot | undefined {
    // Keys that are numbers come first in every object, wherever they are written: slot 0 would be
    // another.
    if (!/^(?!\d+$)[\w-]{1,31}$/.test(name))
      this.refuse(
        ["slots", name],
        `\`${name}\` is no name of a slot`,
        "1 to 31 letters, digits, _ and -, not digits alone",
      );
    const program = this.programs.findIndex((candidate) => candidate.folder === slot.program);
    const found = this.programs[program];
    if (found === undefined) {
      return this.refuse(
        ["slots", name, "program"],
        `there is no program in \`${slot.program}\``,
        didYouMean(
          slot.program,
          this.input.programs.map((candidate) => candidate.folder),
        ),
      );
    }
    const policyClass = this.classes.get(slot.class);
    if (policyClass === undefined || policyClass.span === undefined) {
      return this.refuse(
        ["slots", name, "class"],
        `no policy file declares the class \`${slot.class}\` of the slot ${name}`,
        didYouMean(
          slot.class,
          this.declared(),
          "add `class " + slot.class + "` to a policy file of the image",
        ),
      );
    }
    const { priority, quota } = slot;
    const ceiling = slot.ceiling ?? 255;
    if (!Number.isInteger(priority) || priority < 1 || priority > 255)
      this.refuse(
        ["slots", name, "priority"],
        `the priority ${priority} of ${name} is not between 1 and 255`,
      );
    else if (!Number.isInteger(ceiling) || ceiling < priority || ceiling > 255)
      this.refuse(
        ["slots", name, "ceiling"],
        `the ceiling ${ceiling} of ${name} is not between its priority ${priority} and 255`,
      );
    const handles = this.handles(name, slot, found);
    const quotas = {
      pages: quota.pages,
      handles: quota.handles ?? HANDLES_DEFAULT,
      threads: quota.threads ?? defaultThreads(found),
      objects: quota.objects ?? OBJECTS_DEFAULT,
    };
    const quotasMax = {
      pages: QUOTA_PAGES_MAX,
      handles: QUOTA_HANDLES_MAX,
      threads: QUOTA_THREADS_MAX,
      objects: QUOTA_OBJECTS_SUM_MAX,
    };
    for (const what of ["pages", "handles", "threads", "objects"] as const) {
      if (!isBetween(quotas[what], 1, quotasMax[what]))
        this.refuse(
          ["slots", name, "quota", what],
          `the quota of ${quotas[what]} ${what} of ${name} is not between 1 and ${quotasMax[what]}`,
        );
    }
    this.fit(name, found, quotas, handles);
    if (handles.length + HANDLE_INDEX_FIRST_NAMED - 1 > quotas.handles) {
      this.refuse(
        ["slots", name, "quota"],
        `${name} starts with ${handles.length + HANDLE_INDEX_FIRST_NAMED - 1} handles and has a quota of ${quotas.handles}`,
        "raise `quota.handles`",
      );
    }
    if (handles.length > SLOT_HANDLES_MAX) {
      this.refuse(
        ["slots", name],
        `${name} starts with ${handles.length} handles besides its own three`,
        `at most ${SLOT_HANDLES_MAX}: serve many clients by one endpoint, told apart by badges`,
      );
    }
    const fault = this.faultHandler(name, slot);
    return {
      name,
      classId: policyClass.id,
      program,
      priority,
      ceiling,
      quotaPages: quotas.pages,
      quotaHandles: quotas.handles,
      quotaThreads: quotas.threads,
      quotaObjects: quotas.objects,
      restart: RESTART[slot.restart ?? "never"],
      autostart: slot.autostart ?? true,
      faultSlot: fault.slot,
      faultEndpoint: fault.endpoint,
      handles,
    };
  }

  /** The quotas let the program start, and its threads have room, as the kernel will see them. */
  private fit(
    name: string,
    { needs, folder }: ProgramInput,
    { pages, threads }: { readonly pages: number; readonly threads: number },
    handles: readonly InitialHandle[],
  ): void {
    if (needs === undefined) return;
    const least = pagesToStart(needs, handles);
    if (pages < least)
      this.refuse(
        ["slots", name, "quota", "pages"],
        `${name} has a quota of ${pages} pages, and its program takes ${least} to start`,
        "raise `quota.pages`: what it touches then comes on top",
      );
    const room = threadsThatFit(needs);
    if (threads <= room) return;
    this.refuse(
      ["slots", name, "quota", "threads"],
      `${name} has a quota of ${threads} threads, and beside its program's code there is room for ${room} stacks of ${needs.stackBytes >> 10} KiB`,
      `at most ${room}, or a smaller \`stackBytes\` in ${folder}/program.ts`,
    );
  }

  /** In the order that ProgramDescription fixes: serves, uses, kernel, devices. */
  private handles(
    name: string,
    slot: SlotDescription,
    program: ProgramInput,
  ): readonly InitialHandle[] {
    const { serves = {}, uses = {}, kernel = {}, devices = {} } = program.description;
    const own = this.names.indexOf(name);
    const classId = this.classes.get(slot.class)?.id ?? 0;
    const nothing = {
      interfaceId: 0,
      targetSlot: SLOT_NONE,
      targetEndpoint: 0,
      badge: 0n,
      first: 0,
      count: 0,
    };
    const handles: InitialHandle[] = Object.entries(serves).map(([endpoint, { id }], number) => ({
      ...nothing,
      name: endpoint,
      type: ObjectType.Endpoint,
      rights: RIGHTS_OWNER,
      interfaceId: id,
      targetSlot: own,
      targetEndpoint: number,
      classId,
    }));
    if (handles.length > SLOT_ENDPOINTS_MAX)
      this.refuse(
        ["slots", name, "program"],
        `${program.description.name} serves ${handles.length} endpoints`,
        `at most ${SLOT_ENDPOINTS_MAX}`,
      );
    for (const [use, { id, name: interfaceName }] of Object.entries(uses)) {
      const channel = this.channel(name, slot, use, id, interfaceName);
      if (channel !== undefined)
        handles.push({
          ...nothing,
          name: use,
          type: ObjectType.Endpoint,
          rights: RIGHTS_CHANNEL,
          interfaceId: id,
          ...channel,
        });
    }
    for (const [handle, object] of Object.entries(kernel)) {
      const type = ObjectType[object];
      handles.push({
        ...nothing,
        name: handle,
        type,
        rights: object === "Slots" ? RIGHT_CALL | RIGHT_CONTROL : RIGHT_CALL,
        interfaceId: type,
        classId: type,
      });
    }
    for (const [device, kind] of Object.entries(devices)) {
      const given = ownValue(slot.devices, device);
      if (given === undefined || given.kind !== kind) {
        this.refuse(
          ["slots", name, "devices"],
          `${name} does not say which ${kind} \`${device}\` is`,
          kind === "ports"
            ? `devices: { ${device}: ports(0x3f8, 8) }`
            : `devices: { ${device}: interrupt(4) }`,
        );
        continue;
      }
      const type = kind === "ports" ? ObjectType.Ports : ObjectType.Interrupt;
      const [first, count] = given.kind === "ports" ? [given.first, given.count] : [given.line, 0];
      if (
        given.kind === "ports"
          ? !this.arePorts(name, device, first, count)
          : !this.isLine(name, device, first)
      )
        continue;
      handles.push({
        ...nothing,
        name: device,
        type,
        rights: RIGHT_CALL,
        interfaceId: type,
        classId: type,
        first,
        count,
      });
    }
    for (const channel of Object.keys(slot.channels ?? {})) {
      if (!Object.hasOwn(uses, channel))
        this.refuse(
          ["slots", name, "channels"],
          `${program.description.name} uses no \`${channel}\``,
          didYouMean(channel, Object.keys(uses), `its manifest uses ${listed(uses)}`),
        );
    }
    for (const device of Object.keys(slot.devices ?? {})) {
      if (!Object.hasOwn(devices, device))
        this.refuse(
          ["slots", name, "devices"],
          `${program.description.name} has no device \`${device}\``,
          didYouMean(device, Object.keys(devices), `its manifest has ${listed(devices)}`),
        );
    }
    const seen = new Set<string>();
    for (const { name: handle } of handles) {
      if (seen.has(handle))
        this.refuse(
          ["slots", name],
          `${program.description.name} names two handles \`${handle}\``,
          "give one of them another name in its manifest",
        );
      seen.add(handle);
      if (!/^\w{1,63}$/.test(handle))
        this.refuse(
          ["slots", name],
          `${program.description.name}: \`${handle}\` is no name of a handle`,
        );
    }
    return handles;
  }

  /** Whether the ports exist and are not the machine's own. */
  private arePorts(name: string, device: string, first: number, count: number): boolean {
    const path = ["slots", name, "devices", device];
    if (!isBetween(first, 0, PORTS - 1) || !isBetween(count, 1, PORTS - first)) {
      this.refuse(
        path,
        `${name}: \`${device}\` names ports that do not exist`,
        "ports(first, count): at least one, and the last at most 0xffff",
      );
      return false;
    }
    const own = machinePorts(first, count);
    if (own === undefined) return true;
    const [from, to] = [Math.max(first, own.first), Math.min(first + count - 1, own.last)];
    this.refuse(
      path,
      `${name}: \`${device}\` takes ${portsInWords(from, to)}, which belong${from === to ? "s" : ""} to ${own.owner}`,
      "grant the registers of the one device",
    );
    return false;
  }

  private isLine(name: string, device: string, line: number): boolean {
    const path = ["slots", name, "devices", device];
    if (!isBetween(line, 0, INTERRUPT_LINES - 1)) {
      this.refuse(
        path,
        `${name}: there is no interrupt line ${line}`,
        `0 to ${INTERRUPT_LINES - 1}`,
      );
    } else if (line === TIMER_LINE || line === CASCADE_LINE) {
      this.refuse(
        path,
        `${name}: \`${device}\` takes interrupt line ${line}, which belongs to the ${line === TIMER_LINE ? "timer" : "second interrupt controller"}`,
        "name the line of the device",
      );
    } else {
      return true;
    }
    return false;
  }

  /** A device belongs to one slot: the image names no port and no line twice. */
  private share(slots: readonly Slot[]): void {
    const held = slots.flatMap((slot) =>
      slot.handles
        .filter(({ type }) => type === ObjectType.Ports || type === ObjectType.Interrupt)
        .map((handle) => ({ slot: slot.name, handle })),
    );
    for (const type of [ObjectType.Ports, ObjectType.Interrupt]) {
      const ofType = held
        .filter(({ handle }) => handle.type === type)
        .sort((a, b) => a.handle.first - b.handle.first);
      let furthest = ofType[0];
      for (const next of ofType.slice(1)) {
        if (furthest === undefined || next.handle.first > lastOf(furthest.handle)) {
          furthest = next;
          continue;
        }
        const shared =
          type === ObjectType.Ports
            ? portsInWords(
                next.handle.first,
                Math.min(lastOf(next.handle), lastOf(furthest.handle)),
              )
            : `interrupt line ${next.handle.first}`;
        const [first, second] = [furthest, next].sort(
          (a, b) => this.names.indexOf(a.slot) - this.names.indexOf(b.slot),
        ) as [typeof next, typeof next];
        this.refuse(
          ["slots", second.slot, "devices", second.handle.name],
          `${first.slot} (\`${first.handle.name}\`) and ${second.slot} (\`${second.handle.name}\`) share ${shared}`,
          "a device is one slot's: let the others call its driver",
        );
        if (lastOf(next.handle) > lastOf(furthest.handle)) furthest = next;
      }
    }
  }

  private channel(
    name: string,
    slot: SlotDescription,
    use: string,
    interfaceId: number,
    interfaceName: string,
  ): Pick<InitialHandle, "targetSlot" | "targetEndpoint" | "badge" | "classId"> | undefined {
    const channel = ownValue(slot.channels, use);
    if (channel === undefined)
      return this.refuse(
        ["slots", name, "channels"],
        `${name} does not say whose ${interfaceName} \`${use}\` is`,
        `channels: { ${use}: "slot.endpoint" }`,
      );
    const [to, badge] = typeof channel === "string" ? [channel, 0] : [channel.to, channel.badge];
    if (!Number.isSafeInteger(badge) || badge < 0)
      return this.refuse(["slots", name, "channels", use], `the badge ${badge} is no whole number`);
    const end = this.endpoint(["slots", name, "channels", use], to);
    if (end === undefined) return undefined;
    if (end.slotName === name)
      return this.refuse(
        ["slots", name, "channels", use],
        `${name} would call itself by \`${use}\``,
        "it would wait for its own answer",
      );
    if (end.interfaceId !== interfaceId)
      return this.refuse(
        ["slots", name, "channels", use],
        `\`${to}\` serves ${end.interfaceName}, not ${interfaceName}`,
      );
    const classId = this.classes.get(this.input.image.slots[end.slotName]?.class ?? "")?.id ?? 0;
    return { targetSlot: end.slot, targetEndpoint: end.endpoint, badge: BigInt(badge), classId };
  }

  private faultHandler(
    name: string,
    slot: SlotDescription,
  ): { readonly slot: number; readonly endpoint: number } {
    const none = { slot: SLOT_NONE, endpoint: 0 };
    if (slot.faultHandler !== undefined) {
      const end = this.endpoint(["slots", name, "faultHandler"], slot.faultHandler);
      if (end === undefined) return none;
      if (end.interfaceId === FAULT_INTERFACE) return end;
      this.refuse(
        ["slots", name, "faultHandler"],
        `\`${slot.faultHandler}\` serves ${end.interfaceName}, not Fault`,
      );
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
    if (endpointName === "" || more.length > 0)
      return this.refuse(where, `\`${to}\` is not of the form "slot.endpoint"`);
    const slot = this.names.indexOf(slotName);
    if (slot < 0)
      return this.refuse(
        where,
        `there is no slot \`${slotName}\``,
        didYouMean(slotName, this.names),
      );
    const serves = Object.entries(this.programOf(slotName)?.description.serves ?? {});
    const endpoint = serves.findIndex(([served]) => served === endpointName);
    const served = serves[endpoint];
    if (served === undefined)
      return this.refuse(
        where,
        `${slotName} serves no \`${endpointName}\``,
        didYouMean(
          endpointName,
          serves.map(([other]) => other),
          `its manifest serves ${listed(Object.fromEntries(serves))}`,
        ),
      );
    return { slot, slotName, endpoint, interfaceId: served[1].id, interfaceName: served[1].name };
  }

  private programOf(slotName: string): ProgramInput | undefined {
    const folder = this.input.image.slots[slotName]?.program;
    return this.programs.find((program) => program.folder === folder);
  }

  private declared(): readonly string[] {
    return [...this.classes.values()]
      .filter((known) => known.span !== undefined)
      .map((known) => known.name);
  }

  /** The kernel's tables hold so many for all slots together. */
  private sum(
    slots: readonly Slot[],
    what: "threads" | "objects",
    quotaOf: (slot: Slot) => number,
    max: number,
    byDefault: number,
  ): void {
    const total = slots.reduce((sum, slot) => sum + quotaOf(slot), 0);
    const largest = [...slots].sort((a, b) => quotaOf(b) - quotaOf(a)).slice(0, LARGEST_NAMED);
    if (total <= max || largest[0] === undefined) return;
    const named = largest.map((slot) => `${slot.name} has ${quotaOf(slot)}`).join(", ");
    this.refuse(
      ["slots", largest[0].name, "quota", what],
      `the slots' quotas of ${what} add up to ${total}, and the kernel has ${max} for all of them`,
      `give smaller \`quota.${what}\`: ${named}; a slot that says nothing gets ${byDefault}`,
    );
  }

  private refuse(path: readonly string[], message: string, help?: string): undefined {
    this.mistakes.push({ path, message, help });
    return undefined;
  }
}

/** A slot that says nothing is not refused for what it did not say. */
function defaultThreads({ needs }: ProgramInput): number {
  return needs === undefined
    ? THREADS_DEFAULT
    : Math.min(THREADS_DEFAULT, Math.max(1, threadsThatFit(needs)));
}

function isBetween(value: number, min: number, max: number): boolean {
  return Number.isInteger(value) && value >= min && value <= max;
}

/** Last port, or the line. */
function lastOf({ type, first, count }: InitialHandle): number {
  return type === ObjectType.Ports ? first + count - 1 : first;
}

function portsInWords(first: number, last: number): string {
  const hex = (port: number): string => `0x${port.toString(16)}`;
  return first === last ? `port ${hex(first)}` : `ports ${hex(first)} to ${hex(last)}`;
}

/** What is written under the key: a name like `constructor` is no value that every object has. */
function ownValue<T>(record: Readonly<Record<string, T>> | undefined, key: string): T | undefined {
  return record !== undefined && Object.hasOwn(record, key) ? record[key] : undefined;
}

function listed(record: Readonly<Record<string, unknown>>): string {
  const names = Object.keys(record);
  return names.length === 0 ? "nothing" : names.map((name) => `\`${name}\``).join(", ");
}
