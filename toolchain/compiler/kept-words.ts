import { Decoder, DecoderOptions, InstructionInfoFactory, OpAccess, Register } from "iced-x86";
import type { MachineCode } from "../ir/machine-code.ts";

/** What the rule that sets a word notes in the listing. */
const SETTER = "intrinsic SetMessageWord";

/** Registers of a message's words: rbx, r12, r13, r14 (kernel/abi/system-call.ts). */
const WORDS = new Set(
  [
    ["BL", "BH", "BX", "EBX", "RBX"],
    ...[12, 13, 14].map((n) => [`R${n}L`, `R${n}W`, `R${n}D`, `R${n}`]),
  ]
    .flat()
    .map((name) => Register[name as keyof typeof Register]),
);
const WRITES = new Set([
  OpAccess.Write,
  OpAccess.CondWrite,
  OpAccess.ReadWrite,
  OpAccess.ReadCondWrite,
]);

/**
 * Throws unless the finished machine code of an entry point leaves the words of the message in
 * their registers: no instruction writes one of these but those that set a word. The check decodes
 * what will run; it shares nothing with the register allocator.
 */
export function requireKeptWords({ name, bytes, notes }: MachineCode): void {
  const setters = new Set(notes.flatMap(({ offset, rule }) => (rule === SETTER ? [offset] : [])));
  const decoder = new Decoder(64, bytes, DecoderOptions.None);
  const factory = new InstructionInfoFactory();
  while (decoder.canDecode) {
    const instruction = decoder.decode();
    const offset = Number(instruction.ip);
    const info = factory.info(instruction);
    const used = info.usedRegisters() as { register: Register; access: OpAccess; free(): void }[];
    const isWritten = used.some(
      ({ register, access }) => WORDS.has(register) && WRITES.has(access),
    );
    for (const register of used) register.free();
    info.free();
    instruction.free();
    if (isWritten && !setters.has(offset))
      throw new Error(`${name}: the code at ${offset} overwrites a word of the message`);
  }
  factory.free();
  decoder.free();
}
