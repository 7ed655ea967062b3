/**
 * The other end of a handle in a test: answers the messages of one interface by functions, whose
 * types follow from the interface's description.
 */
import { Status } from "../../kernel/abi/status.ts";
import type { InterfaceDescription } from "../../toolchain/vocabulary/interface.ts";
import {
  answerLayout,
  decodeMessage,
  encodeMessage,
  type ErrorName,
  type MethodName,
  requestLayout,
  type Returns,
  type Takes,
  type Values,
  type WireMessage,
} from "../../toolchain/idl/message.ts";

/** The result of a call through a handle. */
export interface Outcome {
  readonly status: Status;
  readonly message: WireMessage;
}

export interface Peer {
  readonly description: InterfaceDescription;
  /** Every call that came, as `method` and decoded fields, oldest first. */
  readonly calls: { readonly method: string; readonly takes: Values }[];
  answer(method: number, message: WireMessage): Outcome;
}

/** Thrown by a handler: the call ends with this status and no answer. */
class CallFails extends Error {
  readonly status: Status;
  constructor(status: Status) {
    super(`the call ends with ${Status[status]}`);
    this.status = status;
  }
}

/** Thrown by a handler: the call is answered with an error of the interface. */
class CallRefused extends Error {
  readonly errorName: string;
  constructor(errorName: string) {
    super(`the call is answered with error ${errorName}`);
    this.errorName = errorName;
  }
}

export function fails(status: Status): never {
  throw new CallFails(status);
}

export function refuses<I extends InterfaceDescription>(
  _description: I,
  error: ErrorName<I>,
): never {
  throw new CallRefused(error);
}

type Handlers<I extends InterfaceDescription> = {
  readonly [M in MethodName<I>]?: (takes: Takes<I, M>) => Returns<I, M> | void;
};

const NO_MESSAGE: WireMessage = { words: [], arena: new Uint8Array(), handles: [] };

/** A peer that answers by `handlers`. A call of a method without a handler throws. */
export function fakePeer<const I extends InterfaceDescription>(
  description: I,
  handlers: Handlers<I>,
): Peer {
  const calls: { method: string; takes: Values }[] = [];
  return { description, calls, answer };

  function answer(index: number, message: WireMessage): Outcome {
    const name = Object.keys(description.methods)[index];
    const method = name === undefined ? undefined : description.methods[name];
    if (name === undefined || method === undefined)
      throw new Error(`${description.name} has no method ${index}`);
    const takes = decodeMessage(requestLayout(method), message);
    calls.push({ method: name, takes });
    const handler = handlers[name as MethodName<I>] as
      | ((takes: Values) => Values | undefined)
      | undefined;
    if (handler === undefined)
      throw new Error(`the test has no handler for ${description.name}.${name}`);
    try {
      return {
        status: Status.Ok,
        message: encodeMessage(answerLayout(method), handler(takes) ?? {}),
      };
    } catch (error) {
      if (error instanceof CallFails) return { status: error.status, message: NO_MESSAGE };
      if (!(error instanceof CallRefused)) throw error;
      const number = (description.errors ?? []).indexOf(error.errorName) + 1;
      return { status: Status.ErrorReply, message: { ...NO_MESSAGE, words: [BigInt(number)] } };
    }
  }
}
