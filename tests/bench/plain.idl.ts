import {
  bool,
  defineInterface,
  enumeration,
  u16,
  u64,
} from "../../toolchain/vocabulary/interface.ts";

const words = { a: u64, b: u64, c: u64, d: u64 };
/** A field of each kind whose values the monitor checks. */
const kinds = { colour: enumeration("red", "green", "blue"), isOn: bool, small: u16, any: u64 };

/** Round trips by generated stubs on both sides. */
export default defineInterface({
  name: "Plain",
  id: 0x7f3,
  version: 1,
  methods: {
    none: {},
    four: { takes: words, returns: words },
    kinds: { takes: kinds, returns: kinds },
  },
});
