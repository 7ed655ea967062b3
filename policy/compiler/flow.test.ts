// Flows that depend on the image: which slot handles whose faults, and that a device is no channel.
import { describe, expect, test } from "vitest";
import fault from "../../services/interfaces/kernel/fault.idl.ts";
import { compileTest, testImage, testPrograms } from "../../tests/support/policy-system.ts";
import {
  type ImageDescription,
  type SlotDescription,
  ports,
} from "../../toolchain/vocabulary/image.ts";
import { formatDiagnostic } from "../../toolchain/report/diagnostic.ts";
import type { CompiledSystem } from "./compile.ts";

const ALL = ["Uart", "Console", "Files", "Shell", "Attack"];
const RULE = "allow kernel -> Supervisor.Fault { fault }\n";

function withSlots(slots: Readonly<Record<string, Partial<SlotDescription>>>): ImageDescription {
  const changed = Object.entries(slots).map(([name, change]) => [
    name,
    { ...testImage.slots[name], ...change } as SlotDescription,
  ]);
  return { ...testImage, slots: { ...testImage.slots, ...Object.fromEntries(changed) } };
}

/**
 * The supervisor and the file server handle faults; the supervisor is asked where a slot says
 * nothing.
 */
function compileWithHandlers(
  statements: string,
  image: ImageDescription = testImage,
): Promise<CompiledSystem> {
  const programs = testPrograms.map((program) => {
    if (program.folder !== "services/supervisor" && program.folder !== "services/files")
      return program;
    return {
      ...program,
      description: {
        ...program.description,
        serves: { ...program.description.serves, faults: fault },
      },
    };
  });
  return compileTest(statements, { image, programs });
}

async function messages(statements: string, image?: ImageDescription): Promise<readonly string[]> {
  return (await compileWithHandlers(statements, image)).diagnostics.map(formatDiagnostic);
}

describe("what a fault says goes to its handler:", () => {
  test.each(ALL)("from %s to the supervisor", async (name) => {
    const [message, ...more] = await messages(
      `${RULE}never ${name} -> Supervisor\nnever flow ${name} -> Supervisor`,
    );
    expect(more).toEqual([]);
    expect(message).toContain(
      `\`never flow ${name} -> Supervisor\` does not hold: ${name} -> Supervisor (its faults, test.policy:2);`,
    );
  });

  test("not where no rule lets the kernel's message through", async () => {
    // That something ended is told without a rule, and why it did is not.
    const onlyEnds = [
      expect.stringContaining("-> Supervisor (its end is reported, test.policy:1);"),
    ];
    expect(await messages("never flow any except Supervisor -> Supervisor")).toEqual(onlyEnds);
    expect(
      await messages(
        "allow response, error kernel -> Supervisor.Fault { fault }\nnever flow any except Supervisor -> Supervisor\nnever flow Supervisor -> any except Supervisor",
      ),
    ).toEqual(onlyEnds);
  });

  test("also under a condition, which may hold", async () => {
    const [message] = await messages(
      "allow kernel -> Supervisor.Fault { fault } when kind == 3\nnever flow Attack -> Supervisor",
    );
    expect(message).toContain("Attack -> Supervisor (its faults, test.policy:2)");
  });

  test("the slot's own handler, not the supervisor", async () => {
    const rules = `${RULE}allow kernel -> Files.Fault { fault }\n`;
    const image = withSlots({ attack: { faultHandler: "files.faults" } });
    const unlessThroughFiles = "never flow Attack -> Supervisor except through Files\n";
    expect(await messages(`${rules}${unlessThroughFiles}`, image)).toEqual([
      expect.stringContaining("Attack -> Supervisor (its end is reported, test.policy:1);"),
    ]);
    const [message] = await messages(`${rules}never flow Attack -> Files`, image);
    expect(message).toContain("Attack -> Files (its faults, test.policy:3)");
    // Who handles faults has some as well.
    const [further] = await messages(`${rules}never flow Files -> Supervisor`, image);
    expect(further).toContain("Files -> Supervisor (its faults, test.policy:2)");
  });

  test("both handlers, where two slots of a class have different ones", async () => {
    const rules = `${RULE}allow kernel -> Files.Fault { fault }\n`;
    const image = withSlots({ attack: { faultHandler: "files.faults" } });
    const two = { ...image, slots: { ...image.slots, second: testImage.slots["attack"]! } };
    const told = await messages(
      `${rules}never flow Attack -> Files\nnever flow Attack -> Supervisor except through Files`,
      two,
    );
    expect(told).toEqual(
      ["Files", "Supervisor"].map((handler) =>
        expect.stringContaining(`Attack -> ${handler} (its faults,`),
      ),
    );
  });
});

describe("the answer to a fault says whether the program goes on:", () => {
  test.each(ALL)("from the supervisor to %s", async (name) => {
    const [message] = await messages(`${RULE}never flow Supervisor -> ${name}`);
    expect(message).toContain(`Supervisor -> ${name} (answer to its faults, test.policy:2)`);
  });

  test("not where it can only let it go on", async () => {
    expect(
      await messages(
        "allow request, response kernel -> Supervisor.Fault { fault }\nnever flow Supervisor -> any except Supervisor",
      ),
    ).toEqual([]);
  });
});

describe("ports are no channel, since no two slots share one:", () => {
  // An image in which slots share a port is refused before there is a graph; the kernel's verifier
  // has `SharedDevice`.
  test.each<readonly [string, number, number, boolean]>([
    ["up to the port before", 0x3f0, 8, true],
    ["up to the first port", 0x3f0, 9, false],
    ["one within", 0x3fb, 1, false],
    ["the last port", 0x3ff, 1, false],
  ])("%s", async (_name, first, count, isFree) => {
    for (const className of ["Uart", "Attack"]) {
      const second: SlotDescription = {
        ...testImage.slots["uart"]!,
        class: className,
        devices: { registers: ports(first, count), line: { kind: "interrupt", line: 5 } },
      };
      const image = { ...testImage, slots: { ...testImage.slots, second } };
      const rules =
        "grant { Uart, Attack } -> kernel.Ports { ports }\nallow execute Attack program uart\nnever flow Attack -> Uart\nnever flow Uart -> Attack";
      const { blob, diagnostics } = await compileTest(rules, { image });
      expect(blob !== undefined, diagnostics.map(formatDiagnostic).join("\n")).toBe(isFree);
      if (!isFree)
        expect(diagnostics[0]?.message).toMatch(
          /^uart \(`registers`\) and second \(`registers`\) share port/,
        );
    }
  });
});
