import { PolicyQueryVerdict } from "../../build/generated/interfaces/Policy";
import { audit, policy } from "../../build/generated/programs/shell";
import { Text } from "../runtime/text";
import { addClassName, addMethodName, classOf, NO_CLASS } from "./names";
import { endLine, green, line, printLine, red } from "./output";
import { Words } from "./words";

export function why(words: Words): void {
  if (words.count != 4) return printLine("usage: why SUBJECT TARGET METHOD, as in `why shell serial write` or `why Shell kernel.Slots stop`");
  const subject = findClass(words.at(1));
  if (subject == NO_CLASS) return;
  const target = findClass(words.at(2));
  if (target == NO_CLASS) return;

  const method = policy.findMethod(target, words.at(3));
  if (!method.ok) {
    addClassName(target, line.string("nothing that ")).string(" serves has a method `").text(words.at(3)).byte(0x60);
    return endLine();
  }
  explain(subject, target, method.interfaceId, method.method);
}

function explain(subject: u32, target: u32, interfaceId: u32, method: u32): void {
  const answer = policy.query(subject, target, interfaceId, method);
  if (!answer.ok) return printLine("the policy does not answer");
  const verdict = answer.verdict;
  const rule = answer.rule;
  const sourceLine = answer.line;

  addClassName(subject, line).string(" -> ");
  addClassName(target, line).byte(0x20);
  addMethodName(interfaceId, method, line).string(": ");
  if (verdict == PolicyQueryVerdict.Allow) green("allowed");
  else if (verdict == PolicyQueryVerdict.Deny) red("denied");
  else line.string("depends on the message");
  endLine();

  line.string("  ");
  if (sourceLine == 0) line.string("no rule allows it");
  else addRule(rule, sourceLine);
  endLine();
}

function addRule(rule: u32, sourceLine: u32): void {
  const text = audit.ruleText(rule);
  if (text.ok) line.text(text.text);
  else line.string("rule ").number(rule).string(", line ").number(sourceLine);
}

/** The class of that name, or of the domain of that name; NO_CLASS after saying that there is neither. */
function findClass(name: Text): u32 {
  const found = classOf(name);
  if (found != NO_CLASS) return found;
  line.string("`").text(name).string("` is neither a class of the policy nor a domain");
  endLine();
  return NO_CLASS;
}
