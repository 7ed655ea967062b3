import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { readInterfaces } from "../../../policy/compiler/interfaces.ts";
import type { Field, Interface } from "../../../policy/compiler/model.ts";
import { kernelInterfaces } from "../../../tests/support/policy-system.ts";

const KINDS = ["unsigned", "signed", "bytes", "text", "handle"];

function digestOf({ id, version, name, methods, errors }: Interface): readonly number[] {
  const hash = createHash("sha256");
  const numbers = (...values: readonly number[]): void =>
    void hash.update(new Uint8Array(Uint32Array.from(values).buffer));
  const text = (value: string): void => void hash.update(`${value}\0`);
  const field = ({ name: called, kind, max }: Field): void => {
    numbers(KINDS.indexOf(kind), Number(max & 0xffff_ffffn), Number(max >> 32n));
    text(called);
  };
  numbers(id, version, methods.length, errors.length);
  text(name);
  for (const method of methods) {
    numbers(method.request.length, method.response.length);
    text(method.name);
    for (const one of [...method.request, ...method.response]) field(one);
  }
  return [...hash.digest()];
}

// A change of a kernel interface is a change of kernel-interfaces.ts: delete that file and run this
// test, which writes it.
test("the kernel's digests of its interfaces are those of services/interfaces/kernel", async () => {
  const { interfaces, diagnostics } = readInterfaces(await kernelInterfaces());
  expect(diagnostics).toEqual([]);
  const lines = interfaces.map(
    (spoken) =>
      `  // ${spoken.name}, version ${spoken.version}\n  ${[spoken.id, ...digestOf(spoken)].join(", ")},\n`,
  );
  await expect(`// The kernel's interfaces as this kernel has them (services/interfaces/kernel): number,
// and SHA-256 of what kernel.ts hashes.
// Written by kernel-interfaces.test.ts, which says how.

export const KERNEL_INTERFACE_COUNT: u32 = ${interfaces.length};
export const KERNEL_INTERFACE_BYTES: u32 = 33;
export const KERNEL_INTERFACES: usize = memory.data<u8>([
${lines.join("")}]);
`).toMatchFileSnapshot("kernel-interfaces.ts");
});
