/**
 * Who may import whom. In one sentence: programs know the ABI and interfaces, the kernel knows
 * nobody, tools read everyone and are imported by nobody that ships.
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
  { name: "kernel/abi", files: /^kernel\/abi\//, imports: [ABI], packages: false },
  {
    name: "kernel/x64",
    files: /^kernel\/x64\//,
    imports: [ABI, /^kernel\/(x64|object)\//, /^kernel\/base\//],
    packages: false,
  },
  {
    name: "kernel",
    files: /^kernel\//,
    imports: [/^kernel\//, /^build\/generated\/kernel\//],
    packages: false,
  },
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
