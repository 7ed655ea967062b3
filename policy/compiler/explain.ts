/** `trine policy explain`: what a system's policy says of one call, event for event. */
import { CLASS_KERNEL } from "../../kernel/abi/blob.ts";
import type { Diagnostic } from "../../toolchain/report/diagnostic.ts";
import {
  type Scene,
  buildMessage,
  describeRule,
  eventOf,
  granting,
  judge,
  judgeHandles,
} from "./expect.ts";
import { boundRules } from "./evaluate.ts";
import type { Model, SystemInput } from "./model.ts";
import type { Names } from "./names.ts";
import { parsePolicies, parsePolicy } from "./parse.ts";
import { resolve } from "./resolve.ts";
import type { ExpectStatement, JudgedEventName } from "./syntax.ts";

/** Where the question stands in a file of its own, for messages about it. */
const QUESTION_FILE = "question";

interface Explanation {
  readonly event: JudgedEventName;
  readonly verdict: "allowed" | "denied" | "depends";
  readonly because: string;
}

/**
 * `question`: what could stand behind `expect allow`, as in `Shell -> Console.write(urgent = true)`
 * or `response Shell -> Console.read`. With values, or none to give, the event is judged; otherwise
 * it can depend on them.
 */
export async function explainCall(
  input: SystemInput,
  question: string,
): Promise<{
  readonly explanations: readonly Explanation[];
  readonly diagnostics: readonly Diagnostic[];
}> {
  const { modules, mistakes: unreadable } = parsePolicies(input.policyFiles);
  const text = `module question expect allow\n${question}`;
  const parsed = parsePolicy({ file: QUESTION_FILE, text });
  unreadable.add(parsed.diagnostics);
  if (unreadable.count > 0) return { explanations: [], diagnostics: unreadable.diagnostics() };
  const asked = parsed.module?.statements.find((statement) => statement.kind === "expect");
  const { model, names } = await resolve(input, modules);
  if (model === undefined || asked === undefined)
    return { explanations: [], diagnostics: names.mistakes.diagnostics() };
  const explanations = explain(asked, model, names) ?? [];
  return { explanations, diagnostics: names.mistakes.diagnostics() };
}

function explain(
  asked: ExpectStatement,
  model: Model,
  names: Names,
): readonly Explanation[] | undefined {
  if (asked.form !== "message")
    return names.refuse(asked.span, "a call is expected here", "`Shell -> Console.write`");
  const subject = names.class(asked.subject);
  const target = names.method(asked.target);
  if (subject === undefined || target === undefined) return undefined;
  const { policyClass, targetInterface, method } = target;
  if (method === undefined || targetInterface === undefined)
    return names.refuse(asked.target.span, "which method?", `\`${policyClass.name}.method\``);
  if (asked.event === "ended")
    return names.refuse(asked.span, "`ended` is not judged: it is neither allowed nor denied");
  const scene: Scene = {
    model,
    names,
    module: "question",
    targetInterface,
    method,
    subject: subject.id,
    target: policyClass.id,
  };
  const given = asked.event ?? "request";
  const events: readonly JudgedEventName[] =
    asked.event !== undefined || policyClass.id < CLASS_KERNEL
      ? [given]
      : targetInterface.errors.length === 0
        ? ["request", "response"]
        : ["request", "response", "error"];
  return events.map((event) =>
    event === given && asked.arguments.length > 0
      ? judged(asked, event, scene)
      : whatever(event, scene),
  );
}

/** Of a message with these values. */
function judged(
  asked: ExpectStatement & { readonly form: "message" },
  event: JudgedEventName,
  scene: Scene,
): Explanation {
  const message = buildMessage(asked.arguments, event, scene);
  if (message === undefined) return { event, verdict: "denied", because: "see the message" };
  const verdict = judge(message, event, scene);
  if (verdict.kind === "allowed")
    return {
      event,
      verdict: "allowed",
      because: granting(message, scene.model).map(describeRule).join(", "),
    };
  if (verdict.kind === "denied") {
    const { allows } = boundRules(scene.model, message);
    const because = allows.length === 0 ? whatIsMissing(scene) : verdict.because;
    return { event, verdict: "denied", because };
  }
  return { event, verdict: "depends", because: `on whose endpoint \`${verdict.handle}\` is` };
}

/** Of all messages, as the kernel's `why` answers. */
function whatever(event: JudgedEventName, scene: Scene): Explanation {
  const asked = eventOf(event, scene);
  const { allows, requires } = boundRules(scene.model, asked);
  const [first] = allows;
  if (first === undefined) return { event, verdict: "denied", because: whatIsMissing(scene) };
  const handles = judgeHandles(event, new Map(), scene);
  if (handles.kind === "denied") return { event, verdict: "denied", because: handles.because };
  const free = allows.find((rule) => rule.read !== asked.event);
  if (free === undefined) return { event, verdict: "depends", because: describeRule(first) };
  const [narrowing] = requires;
  if (narrowing !== undefined)
    return { event, verdict: "depends", because: describeRule(narrowing) };
  return handles.kind === "depends"
    ? { event, verdict: "depends", because: `on whose endpoint \`${handles.handle}\` is` }
    : { event, verdict: "allowed", because: describeRule(free) };
}

/** Of an event that no rule allows: what would allow the call. */
function whatIsMissing(scene: Scene): string {
  const { model, subject, target, targetInterface, method } = scene;
  const [from, to] = [model.classes[subject]?.name, model.classes[target]?.name];
  const called = target < CLASS_KERNEL ? to : `${to}.${targetInterface.name}`;
  return `no rule allows it; this would: \`allow ${from} -> ${called} { ${method.name} }\``;
}
