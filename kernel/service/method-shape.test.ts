import { expect, test } from "vitest";
import { readInterfaces } from "../../policy/compiler/interfaces.ts";
import { runAssemblyScript } from "../../tests/support/assemblyscript-in-node.ts";
import { kernelInterfaces } from "../../tests/support/policy-system.ts";
import { ObjectType } from "../abi/object.ts";

const SOURCE = `
import { methodCount, methodShape } from "./method-shape";
export { methodCount };
export function requestWords(type: u32, method: u32): u32 {
  return methodShape(type, method).requestWords;
}
export function responseWords(type: u32, method: u32): u32 {
  return methodShape(type, method).responseWords;
}
export function hasText(type: u32, method: u32): bool {
  return methodShape(type, method).hasText;
}
`;

test("the kernel's methods have the words that a blob says of their interfaces", async () => {
  const table = await runAssemblyScript("kernel/service", SOURCE);
  const { interfaces } = readInterfaces(await kernelInterfaces());
  const ofObjects = interfaces.filter(({ id }) => id <= ObjectType.System);
  expect(ofObjects.length).toBeGreaterThan(13);
  for (const { id, name, methods } of ofObjects) {
    expect([name, table.call("methodCount", id)]).toEqual([name, methods.length]);
    for (const method of methods) {
      const declared = [method.request, method.response].map(
        (fields) => fields.filter(({ word }) => word !== undefined).length,
      );
      const isText = method.response.some(({ kind }) => kind === "text" || kind === "bytes");
      const known = ["requestWords", "responseWords", "hasText"].map((of) =>
        table.call(of, id, method.number),
      );
      expect([`${name}.${method.name}`, ...known]).toEqual([
        `${name}.${method.name}`,
        ...declared,
        isText ? 1 : 0,
      ]);
    }
  }
});

test.each([
  ["no object", ObjectType.None],
  ["an endpoint", ObjectType.Endpoint],
  ["a type that does not exist", ObjectType.System + 1],
  ["the largest number", 0xffffffff],
])("%s has no methods", async (_what, type) => {
  const table = await runAssemblyScript("kernel/service", SOURCE);
  expect(table.call("methodCount", type)).toBe(0);
});
