/** All slices; `.ci/run` takes them in turn. */
import type { Slice } from "./slice.ts";

/**
 * Modules of one iteration of `ir`, functions of one of `machine-code`, mutants of one of `mutants`
 * and of `policy-mutants`: some seconds each, so that a run stops on time.
 */
const MODULES = 50;
const FUNCTIONS = 300;
const MUTANTS = 200;
const POLICY_MUTANTS = 200;
/**
 * Seeds of one iteration of `machine-code`: an iteration uses fewer, so that two never share one.
 */
const SEEDS = 1000;

export const SLICES: readonly Slice[] = [
  {
    name: "ir",
    about: "random wasm modules: our IR after all passes against V8",
    prepare: async () => {
      const { compareWithEngine } = await import("../fuzz/differential.ts");
      return async (seed) => {
        for (let module = 0; module < MODULES; module += 1)
          refuseDifference(compareWithEngine(seed * MODULES + module, 40, 10));
        return MODULES;
      };
    },
  },
  {
    name: "machine-code",
    about: "random wasm modules: our machine code as a Linux process against V8",
    prepare: async (root) => {
      const { runCampaign } = await import("../fuzz/campaign.ts");
      return async (seed) => {
        const { functions, differences } = runCampaign(root, seed * SEEDS, FUNCTIONS);
        refuseDifference(differences[0] ?? null);
        return functions;
      };
    },
  },
  {
    name: "mutants",
    about:
      "machine code changed by bytes and by instructions: what the verifier still accepts stays in its memory",
    prepare: async (root) => {
      const { runMutants } = await import("../fuzz/mutation.ts");
      return async (seed) => {
        const { mutants, escapes } = runMutants(root, seed, MUTANTS);
        refuseDifference(escapes[0] ?? null);
        return mutants;
      };
    },
  },
  {
    name: "policy-mutants",
    about:
      "the main image's policy, damaged, and words in no order: a blob, or mistakes that say where",
    prepare: async (root) => {
      const { imageInput, runPolicyMutants } = await import("../fuzz/policy-mutation.ts");
      const system = await imageInput(root, "main");
      return async (seed) => {
        const { mutants, faults } = await runPolicyMutants(system, seed, POLICY_MUTANTS);
        refuseDifference(faults[0] ?? null);
        return mutants;
      };
    },
  },
  {
    name: "policy-reference",
    about: "random policies and messages: compiler and kernel against the language page",
    prepare: async (root) => (await import("./policy-reference.ts")).preparePolicyReference(root),
  },
  {
    name: "boot-flips",
    about: "single bits of a signed system changed: the kernel refuses to start",
    prepare: async (root) => (await import("./boot-flips.ts")).prepareBootFlips(root),
  },
  {
    name: "tasks",
    about: "every task of the Makefile, with only the programs that set-up installs for it",
    prepare: async (root) => (await import("./tasks.ts")).prepareTasks(root),
  },
  {
    name: "bochs",
    about: "the main ISO in bochs, to its prompt or a refusal, by processor; skipped without bochs",
    prepare: async (root) => (await import("./bochs-boot.ts")).prepareBochsBoot(root),
  },
  {
    name: "busy-clock",
    about:
      "boots beside a busy process on the same core: the rate of the clock is found to within 0.5 %",
    prepare: async (root) => (await import("./busy-clock.ts")).prepareBusyClock(root),
  },
  {
    name: "garbage",
    about: "a million requests to a server that makes garbage of each: its memory stays flat",
    prepare: async (root) => (await import("./garbage.ts")).prepareGarbage(root),
  },
  {
    name: "stressed-services",
    about: "the tests of services and drivers in Node, with a collection at every turn",
    prepare: async (root) => (await import("./stressed-services.ts")).prepareStressedServices(root),
  },
  {
    name: "uefi",
    about:
      "machines without a BIOS: our media say so, from CD and stick, and return to the firmware",
    prepare: async (root) => (await import("./uefi.ts")).prepareUefi(root),
  },
];

function refuseDifference(difference: string | null): void {
  if (difference !== null) throw new Error(difference);
}
