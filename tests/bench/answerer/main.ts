import {
  PlainFourReply,
  PlainKindsColour,
  PlainKindsReply,
  PlainServer,
} from "../../../build/generated/interfaces/Plain";
import { OK, serve } from "../../../services/runtime/server";

class Answerer extends PlainServer {
  none(): u32 {
    return OK;
  }

  four(a: u64, b: u64, c: u64, d: u64, reply: PlainFourReply): u32 {
    reply.a = a;
    reply.b = b;
    reply.c = c;
    reply.d = d;
    return OK;
  }

  kinds(colour: PlainKindsColour, isOn: bool, small: u16, any: u64, reply: PlainKindsReply): u32 {
    reply.colour = colour;
    reply.isOn = isOn;
    reply.small = small;
    reply.any = any;
    return OK;
  }
}

export function main(): void {
  serve(new Answerer());
}
