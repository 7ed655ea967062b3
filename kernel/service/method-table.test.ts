import { expect, test } from "vitest";
import { readInterfaces } from "../../policy/compiler/interfaces.ts";
import { runAssemblyScript } from "../../tests/support/assemblyscript-in-node.ts";
import { kernelInterfaces } from "../../tests/support/policy-system.ts";
import { ObjectType } from "../abi/object.ts";

test("the kernel's methods have the words that their interfaces declare", async () => {
  const table = await runAssemblyScript(
    "kernel/service",
    'export { methodCount, requestWords, responseWords, givesText } from "./method-table";',
  );
  const { interfaces } = readInterfaces(await kernelInterfaces());
  for (const { id, name, methods } of interfaces.filter(
    (spoken) => spoken.id <= ObjectType.System,
  )) {
    expect([name, table.call("methodCount", id)]).toEqual([name, methods.length]);
    for (const method of methods) {
      const declared = [method.request, method.response].map(
        (fields) => fields.filter(({ word }) => word !== undefined).length,
      );
      const isText = method.response.some(({ kind }) => kind === "text" || kind === "bytes")
        ? 1
        : 0;
      const kept = ["requestWords", "responseWords", "givesText"].map((of) =>
        table.call(of, id, method.number),
      );
      expect([`${name}.${method.name}`, ...kept]).toEqual([
        `${name}.${method.name}`,
        ...declared,
        isText,
      ]);
    }
  }
});
