import {
  MakerCountReply,
  MakerServer,
  MakerStateReply,
} from "../../../build/generated/interfaces/Maker";
import { clock } from "../../../build/generated/programs/maker";
import { collect, collectionCount, livedByteCount } from "../../../services/runtime/collector";
import { domain } from "../../../services/runtime/handles";
import { OK, serve } from "../../../services/runtime/server";
import { Text } from "../../../services/runtime/text";

class Entry {
  times: u32 = 0;
  last: Entry | null = null;

  constructor(readonly word: string) {}
}

const entries = new Map<string, Entry>();
/** The entry counted last leads to the one before it, and so on for a few. */
let last: Entry | null = null;
const kept = new Array<StaticArray<u32>>();

class Maker extends MakerServer {
  count(word: Text, reply: MakerCountReply): u32 {
    const name = String.UTF8.decodeUnsafe(word.address, word.length).toUpperCase();
    if (!entries.has(name)) entries.set(name, new Entry(name));
    const entry = entries.get(name);
    const parts = (name + "," + entry.times.toString()).split(",");
    entry.times = U32.parseInt(parts[1]) + 1;
    entry.last = last === entry ? null : last;
    last = entry;
    if (entry.times % 16 === 0) entry.last = null;
    reply.times = entry.times;
    reply.kept = kept.length;
    return OK;
  }

  hold(kibibytes: u32): u32 {
    for (let index: u32 = 0; index < kibibytes; index++) kept.push(new StaticArray<u32>(256));
    return OK;
  }

  state(reply: MakerStateReply): u32 {
    // Nothing here holds an object meanwhile: the compiler has made sure.
    const before = clock.now().nanoseconds;
    collect();
    reply.pauseNs = clock.now().nanoseconds - before;
    reply.pages = domain.info().pagesUsed;
    reply.collections = collectionCount();
    reply.lived = livedByteCount();
    return OK;
  }
}

export function main(): void {
  serve(new Maker());
}
