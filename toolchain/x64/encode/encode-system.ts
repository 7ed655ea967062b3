import { MachineOp } from "../machine/machine-op.ts";
import { PLAIN_ADDRESS } from "../machine/memory-operand.ts";
import type { Encode } from "./function-code.ts";

const fixed =
  (...bytes: readonly number[]): Encode =>
  ({ assembler }) =>
    assembler.plain(...bytes);

/** Machine instructions that are intrinsics. */
export const SYSTEM = {
  [MachineOp.In]: port(0xec),
  [MachineOp.Out]: port(0xee),
  [MachineOp.ReadControl]: (code, instruction) =>
    code.assembler.modrm(8, 0x0f20, instruction.immediate, code.location(instruction, 0), {
      noRexW: true,
    }),
  [MachineOp.WriteControl]: (code, instruction) =>
    code.assembler.modrm(8, 0x0f22, instruction.immediate, code.location(instruction, 0), {
      noRexW: true,
    }),
  [MachineOp.InvalidatePage](code, instruction) {
    const page = { ...PLAIN_ADDRESS, base: code.location(instruction, 0) };
    code.assembler.modrm(4, 0x0f01, 7, page);
  },
  [MachineOp.Rdrand]: (code, instruction) =>
    code.assembler.modrm(8, 0x0fc7, 6, code.location(instruction, 0)),
  [MachineOp.ReadMsr]: fixed(0x0f, 0x32),
  [MachineOp.WriteMsr]: fixed(0x0f, 0x30),
  [MachineOp.Halt]: fixed(0xf4),
  [MachineOp.DisableInterrupts]: fixed(0xfa),
  [MachineOp.EnableInterrupts]: fixed(0xfb),
  [MachineOp.Cpuid]: fixed(0x0f, 0xa2),
  [MachineOp.ReadTsc]: fixed(0x0f, 0x31),
  [MachineOp.Pause]: fixed(0xf3, 0x90),
  [MachineOp.LoadFence]: fixed(0x0f, 0xae, 0xe8),
  [MachineOp.SystemCall]: fixed(0x0f, 0x05),
} satisfies Partial<Record<MachineOp, Encode>>;

/** `in` or `out` of al, ax or eax with port dx. */
function port(opcode: number): Encode {
  return ({ assembler }, { width }) => {
    if (width === 2) assembler.byte(0x66);
    assembler.byte(opcode | (width === 1 ? 0 : 1));
  };
}
