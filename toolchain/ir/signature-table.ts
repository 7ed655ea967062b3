import type { FunctionType } from "../wasm/types.ts";
import { irType } from "./build-function.ts";
import type { Signature } from "./module.ts";

/** Numbers signatures by structure, from 1 on: see NULL_SIGNATURE. */
export class SignatureTable {
  private readonly numbers = new Map<string, number>();
  private readonly signatures: Signature[] = [{ parameters: [], results: [] }];

  /** `origin` is where a type that we do not support is reported. */
  number(type: FunctionType, origin: number): number {
    const key = `${type.parameters.join()}:${type.results.join()}`;
    let number = this.numbers.get(key);
    if (number === undefined) {
      const parameters = type.parameters.map((parameter) => irType(parameter, origin));
      const results = type.results.map((result) => irType(result, origin));
      number = this.signatures.push({ parameters, results }) - 1;
      this.numbers.set(key, number);
    }
    return number;
  }

  list(): readonly Signature[] {
    return this.signatures;
  }
}
