// Questions about the policy in force, for `why`: what would be granted, and which rule says so.
// Nothing is judged or recorded here.

import { BlobSection, INTERFACE_EXECUTE, INTERFACE_PERMISSIONS, RULE_NONE } from "../abi/blob";
import { Event } from "../abi/event";
import { ObjectType } from "../abi/object";
import { Permission } from "../abi/permission";
import { MESSAGE_HANDLES_MAX } from "../abi/system-call";
import { methodShape, policyBlob, sectionCount } from "./blob/in-force";
import { findPair, firstAllowing, firstRequiring, firstUnconditional, permits } from "./matrix";
import { handleField } from "./structure";

enum QueryVerdict {
  Deny = 0,
  Allow = 1,
  /** Some rule reads the message. */
  Depends = 2,
}

/** Whether the event's sender may transfer the handles that its message carries. */
enum QueryTransfer {
  /** It carries none. */
  None = 0,
  Allow = 1,
  Deny = 2,
  /** An endpoint has its owner's class, which may be any. */
  Depends = 3,
}

@unmanaged
@final
class QueryAnswer {
  /** QueryVerdict of the rules alone, without regard to handles. */
  verdict: u32;
  /**
   * The rule behind the verdict. Deny: RULE_NONE, no rule allows the event. Allow: the first that
   * allows it. Depends: the first that allows it on a condition, or, if another allows it without,
   * the first `require` that narrows it.
   */
  rule: u32;
  /** QueryTransfer. */
  transfer: u32;
  /** Class of an object that may not be transferred; 0 unless `transfer` is Deny. */
  missingClass: u32;
}

const answer: QueryAnswer = changetype<QueryAnswer>(memory.data(16, 4));
if (offsetof<QueryAnswer>() !== 16) ERROR("an answer has another size than was reserved for it");

/**
 * Whether that event of a call would be granted. All arguments may be any numbers. For permissions
 * and executions the event is Event.Request. The answer is valid until the next query.
 */
export function query(
  subjectClass: u32,
  targetClass: u32,
  interfaceId: u32,
  method: u32,
  event: u32,
): QueryAnswer {
  answer.verdict = QueryVerdict.Deny;
  answer.rule = RULE_NONE;
  answer.transfer = QueryTransfer.None;
  answer.missingClass = 0;
  if (event <= <u32>Event.Error) {
    if (interfaceId === INTERFACE_EXECUTE) queryExecute(subjectClass, targetClass);
    else queryRules(subjectClass, targetClass, interfaceId, method, event);
  }
  if (event <= <u32>Event.Response)
    queryHandles(event === Event.Request ? subjectClass : targetClass, interfaceId, method, event);
  return answer;
}

function queryExecute(classId: u32, program: u32): void {
  const count = sectionCount(BlobSection.Execute);
  for (let i: u32 = 0; i < count; i++) {
    const grant = policyBlob().executeGrant(i);
    if (grant.classId !== classId || grant.program !== program) continue;
    answer.verdict = QueryVerdict.Allow;
    answer.rule = grant.rule;
    return;
  }
}

function queryRules(
  subjectClass: u32,
  targetClass: u32,
  interfaceId: u32,
  method: u32,
  event: Event,
): void {
  // A pair has 64 methods, and its key 16 bits of a class.
  if (method > 63 || targetClass > 0xffff) return;
  if (interfaceId !== INTERFACE_PERMISSIONS && methodShape(interfaceId, method) === null) return;
  const pair = findPair(subjectClass, targetClass, interfaceId);
  if (pair === null) return;
  const allowing = firstAllowing(pair, event, method);
  if (allowing === RULE_NONE) return;
  const unconditional = firstUnconditional(pair, event, method);
  const requiring = firstRequiring(pair, event, method);
  answer.verdict = QueryVerdict.Depends;
  if (unconditional === RULE_NONE) {
    answer.rule = allowing;
  } else if (requiring !== RULE_NONE) {
    answer.rule = requiring;
  } else {
    answer.verdict = QueryVerdict.Allow;
    answer.rule = unconditional;
  }
}

function queryHandles(senderClass: u32, interfaceId: u32, method: u32, event: Event): void {
  const shape = methodShape(interfaceId, method);
  if (shape === null) return;
  for (let index: u32 = 0; index < <u32>MESSAGE_HANDLES_MAX; index++) {
    const to = handleField(event, shape, index);
    if (to === 0) return;
    if (to > <u32>ObjectType.System) {
      answer.transfer = QueryTransfer.Depends;
    } else if (!permits(senderClass, to, Permission.Transfer)) {
      answer.transfer = QueryTransfer.Deny;
      answer.missingClass = to;
      return;
    } else if (answer.transfer === QueryTransfer.None) {
      answer.transfer = QueryTransfer.Allow;
    }
  }
}
