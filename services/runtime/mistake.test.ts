import { beforeAll, beforeEach, expect, test } from "vitest";
import { type Exports, runAssemblyScript } from "../../tests/support/assemblyscript-in-node.ts";
import { Status } from "../../kernel/abi/status.ts";

let module: Exports;
let status: number = Status.Malformed;

beforeAll(async () => {
  module = await runAssemblyScript(
    "services/runtime",
    `
    import { PolicyClient } from "../../build/generated/interfaces/Policy";
    import { SlotsClient } from "../../build/generated/interfaces/Slots";
    import { Answer } from "./message";
    import { addMistake } from "./mistake";
    import { Text } from "./text";
    const said: Text = Text.withRoom(100);
    const name: Text = Text.withRoom(100);
    let last: Answer = changetype<Answer>(0);
    export function ofText(length: u32): void {
      for (name.clear(); name.length < length; ) name.byte(0x61);
      last = PolicyClient.of(7).findClass(name);
    }
    export function withoutText(): void { last = SlotsClient.of(8).start(3); }
    export function address(): usize { return said.address; }
    export function say(): u32 { addMistake(last, said.clear()); return said.length; }
    `,
    () => status,
  );
});
beforeEach(() => {
  status = Status.Malformed;
});

function said(): string {
  return module.text(module.call("address") as number, module.call("say") as number);
}

test("a text that is too long is told with its field, its limit and its length, as often as one asks", () => {
  module.call("ofText", 65);
  expect([said(), said()]).toEqual([
    ": name is at most 64 bytes, 65 given",
    ": name is at most 64 bytes, 65 given",
  ]);
});

test.each<readonly [string, () => void]>([
  ["a call without text", () => void module.call("withoutText")],
  ["a call with a text that is not too long", () => void module.call("ofText", 64)],
])("%s that is malformed for another reason says nothing of an earlier text", (_name, call) => {
  module.call("ofText", 65);
  call();
  expect(said()).toBe("");
});

test("a call that was not malformed says nothing of an earlier text", () => {
  module.call("ofText", 65);
  status = Status.Ok;
  module.call("ofText", 65);
  expect(said()).toBe("");
});
