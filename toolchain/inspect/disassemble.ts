import { Decoder, DecoderOptions, FlowControl, Formatter, FormatterSyntax } from "iced-x86";

/**
 * One line an instruction: address, bytes, text, and the name of a branch's target where `nameOf`
 * knows one.
 */
export function disassemble(
  code: Uint8Array,
  address: bigint,
  nameOf: (address: bigint) => string | null,
): string[] {
  const decoder = new Decoder(64, code, DecoderOptions.None);
  const formatter = new Formatter(FormatterSyntax.Nasm);
  decoder.ip = address;
  const lines: string[] = [];
  while (decoder.canDecode) {
    const instruction = decoder.decode();
    const offset = Number(instruction.ip - address);
    const bytes = Buffer.from(code.subarray(offset, offset + instruction.length)).toString("hex");
    const isDirect = [
      FlowControl.Call,
      FlowControl.UnconditionalBranch,
      FlowControl.ConditionalBranch,
    ].includes(instruction.flowControl);
    const target = isDirect ? instruction.nearBranchTarget : null;
    const name = target === null ? null : nameOf(target);
    // The formatter shortens some addresses to their lower half.
    const text =
      target === null
        ? formatter.format(instruction)
        : formatter.format(instruction).replace(/\S+$/, target.toString(16));
    lines.push(
      `  ${instruction.ip.toString(16)}  ${bytes.padEnd(22)} ${text}${name === null ? "" : `  ; ${name}`}`,
    );
    instruction.free();
  }
  formatter.free();
  decoder.free();
  return lines;
}
