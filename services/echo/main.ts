// The service that the shell's `ping` calls.

import { EchoServer, EchoWordsReply } from "../../build/generated/interfaces/Echo";
import { OK, serve } from "../runtime/server";

class Echo extends EchoServer {
  nothing(): u32 {
    return OK;
  }

  words(first: u64, second: u64, third: u64, fourth: u64, reply: EchoWordsReply): u32 {
    reply.first = first;
    reply.second = second;
    reply.third = third;
    reply.fourth = fourth;
    return OK;
  }
}

export function main(): void {
  serve(new Echo());
}
