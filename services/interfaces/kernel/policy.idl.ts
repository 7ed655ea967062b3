import {
  defineInterface,
  enumeration,
  text,
  u32,
  u64,
} from "../../../toolchain/vocabulary/interface.ts";

/** The policy in force. */
export default defineInterface({
  name: "Policy",
  id: 11,
  version: 2,
  methods: {
    info: {
      returns: {
        version: u64,
        epoch: u32,
        signer: enumeration("none", "development", "release"),
        classes: u32,
        rules: u32,
      },
      reads: ["own"],
    },
    query: {
      about:
        "Would that event of a call be granted, and by which rule: for `why`. Rules on content answer `depends`. `transfer` tells of the handles that the message carries: `missingClass` is the class over which the sender has no right of it; of an endpoint the class is its owner's, so it depends.",
      takes: {
        subjectClass: u32,
        targetClass: u32,
        interfaceId: u32,
        method: u32,
        event: enumeration("request", "response", "error"),
      },
      returns: {
        verdict: enumeration("deny", "allow", "depends"),
        rule: u32,
        line: u32,
        transfer: enumeration("none", "allow", "deny", "depends"),
        missingClass: u32,
      },
      reads: ["own"],
    },
    className: { takes: { classId: u32 }, returns: { text: text(64) }, reads: ["own"] },
    findClass: { takes: { name: text(64) }, returns: { classId: u32 }, reads: ["own"] },
    interfaceName: { takes: { interfaceId: u32 }, returns: { text: text(64) }, reads: ["own"] },
    methodName: {
      takes: { interfaceId: u32, method: u32 },
      returns: { text: text(64) },
      reads: ["own"],
    },
    findMethod: {
      takes: { classId: u32, name: text(64) },
      returns: { interfaceId: u32, method: u32 },
      reads: ["own"],
    },
    interfaceAt: {
      about:
        "Interfaces that a class serves, counted from 0 on: where `findMethod` looks, in its order. One may come twice.",
      takes: { classId: u32, index: u32 },
      returns: { interfaceId: u32 },
      reads: ["own"],
    },
  },
});
