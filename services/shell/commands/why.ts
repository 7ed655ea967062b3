import {
  PolicyQueryEvent,
  PolicyQueryTransfer,
  PolicyQueryVerdict,
} from "../../../build/generated/interfaces/Policy";
import { errorNames } from "../../../build/generated/interfaces/field-names";
import { audit, policy } from "../../../build/generated/programs/shell";
import { ObjectType } from "../../../kernel/abi/object";
import { keep } from "../../runtime/message";
import { Text } from "../../runtime/text";
import { addClassName, addMethodName, classOf, NO_CLASS } from "../output/names";
import { endLine, green, line, printLine, red } from "../output/print";
import { Words } from "../line/words";

const NO_RULE: u32 = 0xffff_ffff;
const VERDICT_COLUMN: u32 = 12;
const RULE_COLUMN: u32 = 21;

export function why(words: Words): void {
  if (words.count !== 4)
    return printLine(
      "usage: why SUBJECT TARGET METHOD, as in `why shell serial write` or `why Shell kernel.Slots stop`",
    );
  const subject = findClass(words.at(1));
  if (subject === NO_CLASS) return;
  const target = findClass(words.at(2));
  if (target === NO_CLASS) return;

  const method = policy.findMethod(target, words.at(3));
  if (!method.ok) {
    addClassName(target, line).string(" serves no method `").text(words.at(3)).byte(0x60);
    return endLine();
  }
  explain(subject, target, method.interfaceId, method.method);
}

/** Explains each event of a call: a kernel method has one, a program's method two or three. */
function explain(subject: u32, target: u32, interfaceId: u32, method: u32): void {
  addClassName(subject, line).string(" -> ");
  addClassName(target, line).byte(0x20);
  addMethodName(interfaceId, method, line);
  endLine();
  const isKernel = interfaceId <= <u32>ObjectType.System;
  const before = explainEvent(
    isKernel ? "call" : "request",
    PolicyQueryEvent.Request,
    subject,
    target,
    interfaceId,
    method,
    NO_RULE,
  );
  if (isKernel) return;
  const rule = explainEvent(
    "response",
    PolicyQueryEvent.Response,
    subject,
    target,
    interfaceId,
    method,
    before,
  );
  if (errorNames(interfaceId).length > 0)
    explainEvent("error", PolicyQueryEvent.Error, subject, target, interfaceId, method, rule);
}

/** Returns the rule that decides. The rule `before`, named last, is not named again. */
function explainEvent(
  name: string,
  event: PolicyQueryEvent,
  subject: u32,
  target: u32,
  interfaceId: u32,
  method: u32,
  before: u32,
): u32 {
  const answer = keep(policy.query(subject, target, interfaceId, method, event));
  if (!answer.ok) {
    printLine("the policy does not answer");
    return NO_RULE;
  }
  const isAllowed = answer.verdict !== PolicyQueryVerdict.Deny;
  line.string("  ").string(name).padTo(VERDICT_COLUMN);
  if (!isAllowed || answer.transfer === PolicyQueryTransfer.Deny) red("denied");
  else if (
    answer.verdict === PolicyQueryVerdict.Allow &&
    answer.transfer !== PolicyQueryTransfer.Depends
  )
    green("allowed");
  else line.string("depends");
  line.padTo(RULE_COLUMN);
  if (answer.line === 0) line.string("no rule allows it");
  else if (answer.rule === before) line.string("the same rule");
  else addRule(answer.rule, answer.line);
  endLine();
  if (isAllowed)
    explainTransfer(
      answer.transfer,
      answer.missingClass,
      event === PolicyQueryEvent.Request ? subject : target,
    );
  return answer.line === 0 ? NO_RULE : answer.rule;
}

/** Adds whether the handles of the message may be sent, which separate rules decide. */
function explainTransfer(transfer: PolicyQueryTransfer, missingClass: u32, sender: u32): void {
  if (transfer === PolicyQueryTransfer.Deny) {
    addClassName(sender, line.padTo(RULE_COLUMN).string("no rule grants ")).string(" -> ");
    addClassName(missingClass, line).string(" { transfer } for a handle in it");
    endLine();
  } else if (transfer === PolicyQueryTransfer.Depends) {
    line.padTo(RULE_COLUMN).string("and on the owner of the endpoint that is sent: this needs ");
    addClassName(sender, line).string(" -> its class { transfer }");
    endLine();
  }
}

function addRule(rule: u32, sourceLine: u32): void {
  const text = audit.ruleText(rule);
  if (text.ok) line.text(text.text);
  else line.string("rule ").number(rule).string(", line ").number(sourceLine);
}

/** The class `name`, or the class of the domain `name`; prints an error and returns NO_CLASS. */
function findClass(name: Text): u32 {
  const found = classOf(name);
  if (found !== NO_CLASS) return found;
  line.string("`").text(name).string("` is neither a class of the policy nor a domain");
  endLine();
  return NO_CLASS;
}
