import { expect, test } from "vitest";
import { readInputFile } from "./input-file.ts";
import { verify } from "./verify.ts";

test("a file that is not there is the user's mistake, not ours", async () => {
  expect(() => readInputFile("no/such.elf")).toThrow("no/such.elf: there is no such file");
  await expect(verify(["no/such.elf"], { target: "domain", json: false })).rejects.toThrow(
    "there is no such file",
  );
});

test("a folder cannot be read", () => {
  expect(() => readInputFile("toolchain")).toThrow(/^toolchain: cannot be read: EISDIR/);
});
