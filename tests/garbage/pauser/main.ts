import { log } from "../../../build/generated/programs/pauser";
import { readTsc } from "../../../drivers/support/x64";
import { collect } from "../../../services/runtime/collector";
import { domain } from "../../../services/runtime/handles";
import { Text } from "../../../services/runtime/text";

const OBJECTS: u32 = 2000;
const REFERENCES: u32 = 8000;
const BYTES: u32 = 32768;

/** An object that fills the smallest block with references. */
class Smallest {
  second: Smallest | null = null;
  third: Smallest | null = null;

  constructor(public first: Smallest | null) {}
}

let odd: Smallest | null = null;
let even: Smallest | null = null;
let list: StaticArray<Smallest | null> | null = null;
let _bytes: StaticArray<u8> | null = null;
const line = Text.withRoom(200);

export function main(): void {
  collect();
  const empty = collecting();
  line.clear().string("pause");

  for (let index: u32 = 0; index < OBJECTS / 2; index++) grow();
  tell(" live ", collecting() - empty, OBJECTS);
  // Blocks of the two chains take turns: those freed first lie alone, those freed next lie between
  // two free ones.
  odd = null;
  tell(" dead ", collecting() - empty, OBJECTS);
  even = null;
  tell(" joined ", collecting() - empty, OBJECTS / 2);

  list = new StaticArray<Smallest | null>(REFERENCES);
  odd = new Smallest(null);
  for (let index: u32 = 0; index < REFERENCES; index++) list![index] = odd;
  tell(" reference ", collecting() - empty, REFERENCES);
  list = null;
  collect();

  _bytes = new StaticArray<u8>(BYTES);
  tell(" kibibyte ", collecting() - empty, BYTES / 1024);
  log.write(line);
  domain.exit(0);
}

/** One more in each chain, each with three references. */
function grow(): void {
  odd = new Smallest(odd);
  odd!.second = odd;
  odd!.third = odd;
  even = new Smallest(even);
  even!.second = even;
  even!.third = even;
}

/** Instructions of a collection. */
function collecting(): u64 {
  const before = readTsc();
  collect();
  return readTsc() - before;
}

function tell(what: string, instructions: u64, count: u32): void {
  line.string(what).number(instructions / count);
}
