import { Type } from "../../ir/opcode.ts";

/** Bytes of the general operations of a type: 4 for i32, 8 for i64. */
export const widthOf = (type: Type): 4 | 8 => (type === Type.I64 ? 8 : 4);
