/**
 * Who may import whom. In one sentence: programs know the ABI and interfaces, the kernel knows
 * no program, tools read everything and are imported by nothing that ships.
 */
interface Layer {
  readonly name: string;
  /** Files that belong here; the first layer that matches a file is its layer. */
  readonly files: RegExp;
  /** What they may import, as paths from the root without extension. */
  readonly imports: readonly RegExp[];
  /** Whether they may import npm packages and Node's modules. */
  readonly packages: boolean;
}

/** A folder of the kernel. docs/kernel-floors.svg is drawn from the floors. */
export interface Floor {
  /** The folder's name in kernel/. */
  readonly name: string;
  /** What lives there, as the picture says it. */
  readonly about: string;
  /** Floors and files that it may import, if they are fewer than all floors below. */
  readonly imports?: readonly string[];
  /** The only file that other floors import. */
  readonly door?: string;
}

/**
 * The kernel from the ground up. Floors of one row do not import each other; all others may import
 * any floor below them, and none above.
 */
export const KERNEL_FLOORS: readonly (readonly Floor[])[] = [
  [
    { name: "abi", about: "numbers and layouts that programs share" },
    { name: "base", about: "guards, masks behind bound checks" },
  ],
  [
    { name: "x64", about: "everything that knows the processor" },
    {
      name: "monitor",
      about: "judges every message by the signed policy",
      imports: ["abi", "base", "x64/timer"],
      door: "monitor",
    },
  ],
  [{ name: "object", about: "records: one file a kernel object" }],
  [{ name: "memory", about: "frames, quotas, address spaces, mappings" }],
  [{ name: "schedule", about: "priorities, turns, deadlines, deferred work" }],
  [{ name: "handle", about: "table, tree, revoke, unmap, last references" }],
  [{ name: "ipc", about: "capture, judgement, delivery, waiting, lending" }],
  [{ name: "domain", about: "archive, executables, start, faults, reclaim" }],
  [{ name: "service", about: "methods of kernel objects" }],
  [{ name: "entry", about: "what a trap reaches: call, receive, reply, boot" }],
];

function floorImports(row: number, floor: Floor): readonly RegExp[] {
  const below = KERNEL_FLOORS.slice(0, row).flat();
  const allowed = floor.imports ?? below.map(({ name, door }) => (door ? `${name}/${door}` : name));
  return [
    new RegExp(`^kernel/${floor.name}/`),
    ...allowed.map((path) => new RegExp(`^kernel/${path}${path.includes("/") ? "$" : "/"}`)),
    // Numbers from the interface descriptions, which import nothing.
    ...(row === 0 ? [] : [/^build\/generated\/kernel\//]),
  ];
}

const FLOORS: readonly Layer[] = KERNEL_FLOORS.flatMap((floors, row) =>
  floors.map((floor) => ({
    name: `kernel/${floor.name}`,
    files: new RegExp(`^kernel/${floor.name}/`),
    imports: floorImports(row, floor),
    packages: false,
  })),
);

const ABI = /^kernel\/abi\//;
const GENERATED = /^build\/generated\//;
const RUNTIME = /^services\/runtime\//;
const INTERFACES = /^services\/interfaces\//;
const VOCABULARY = /^toolchain\/vocabulary\//;

const LAYERS: readonly Layer[] = [
  // Tests may use everything; that nothing imports them is a rule of its own.
  {
    name: "tests",
    files: /^tests\/|\.test\.ts$|^vitest\.(\w+\.)?config\.ts$/,
    imports: [/./],
    packages: true,
  },
  ...FLOORS,
  {
    name: "services/interfaces",
    files: /^services\/interfaces\//,
    imports: [INTERFACES, VOCABULARY],
    packages: false,
  },
  {
    name: "services/runtime",
    files: /^services\/runtime\//,
    imports: [ABI, RUNTIME, GENERATED],
    packages: false,
  },
  {
    name: "program manifests",
    files: /^(services|drivers)\/[^/]+\/program\.ts$/,
    imports: [INTERFACES, VOCABULARY],
    packages: false,
  },
  {
    name: "services",
    files: /^services\/[^/]+\//,
    imports: [ABI, RUNTIME, GENERATED],
    packages: false,
  },
  {
    name: "drivers/support",
    files: /^drivers\/support\//,
    imports: [ABI, RUNTIME, /^drivers\/support\//],
    packages: false,
  },
  {
    name: "drivers",
    files: /^drivers\/[^/]+\//,
    imports: [ABI, RUNTIME, GENERATED, /^drivers\/support\//],
    packages: false,
  },
  { name: "images", files: /^images\//, imports: [/^images\//, VOCABULARY], packages: false },
  {
    name: "policy",
    files: /^policy\//,
    imports: [ABI, /^policy\//, /^toolchain\/(report|idl|image|vocabulary|cache)\//],
    packages: true,
  },
  // Numbers of the ABI are data that both sides need; everything else of the product is read as
  // files.
  {
    name: "toolchain",
    files: /^toolchain\//,
    imports: [ABI, /^toolchain\//, /^policy\/(compiler|query)\//],
    packages: true,
  },
];

/** A service or driver may import from its own folder, never from another's. */
export function isOwnFolder(file: string, path: string): boolean {
  const folder = /^((?:services|drivers)\/[^/]+\/)/.exec(file)?.[1];
  return folder !== undefined && path.startsWith(folder);
}

export function layerOf(file: string): Layer | undefined {
  return LAYERS.find((layer) => layer.files.test(file));
}
