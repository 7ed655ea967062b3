import type { IrFunction } from "../ir/function.ts";
import type { MachineCode } from "../ir/machine-code.ts";
import type { IrModule } from "../ir/module.ts";
import { Type } from "../ir/opcode.ts";
import { DiagnosticError } from "../report/diagnostic.ts";
import { allocateRegisters } from "./allocate/allocate.ts";
import { checkAllocation } from "./allocate/allocation-checker.ts";
import { buildMachineFunction } from "./select/build-machine-function.ts";
import { encodeFunction } from "./encode/encode-function.ts";
import { reuseFlags } from "./select/reuse-flags.ts";
import { checkFrame } from "./allocate/frame-checker.ts";
import { FRAME_BYTES_MAX, layOutFrame } from "./allocate/frame.ts";

interface CompileOptions {
  /**
   * Prove the allocation right, by a checker that shares nothing with the allocator but the data.
   */
  readonly check: boolean;
  /** No caller relies on callee-saved registers (ir/passes/entry-points.ts). Default: false. */
  readonly isEntryPoint?: boolean;
}

/**
 * Compiles one function that is scheduled and laid out: selection, flags, allocation, check, frame,
 * encoding. Throws a `DiagnosticError` for what the back end does not support; any other error is a
 * bug in it.
 */
export function compileFunction(
  fn: IrFunction,
  module: IrModule,
  options: CompileOptions,
): MachineCode {
  refuseUnsupportedTypes(fn);
  const machine = buildMachineFunction(fn, module, options.isEntryPoint);
  reuseFlags(machine);
  const allocated = allocateRegisters(machine, module.target, {
    savesNothing: options.isEntryPoint === true,
  });
  if (options.check) checkAllocation(allocated, module.target);
  const allocation =
    options.isEntryPoint === true ? { ...allocated, savedRegisters: 0 } : allocated;
  const frame = layOutFrame(allocation);
  if (options.check) checkFrame(allocation, frame);
  if (frame.bytes > FRAME_BYTES_MAX) {
    throw new DiagnosticError([
      {
        severity: "error",
        message: `function ${fn.name}: its frame of ${frame.bytes} bytes is larger than ${FRAME_BYTES_MAX}`,
      },
    ]);
  }
  return encodeFunction(fn, module, allocation, frame);
}

function refuseUnsupportedTypes(fn: IrFunction): void {
  for (let value = 0; value < fn.valueTypes.length; value++) {
    const type = fn.valueTypes.data[value] as Type;
    if (type === Type.I32 || type === Type.I64) continue;
    throw new DiagnosticError([
      {
        severity: "error",
        message: `function ${fn.name}: values of type ${Type[type]} are not supported`,
      },
    ]);
  }
}
