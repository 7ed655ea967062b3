import { AuditReadAnswer } from "../../build/generated/interfaces/Audit";
import { audit as log, supervisor } from "../../build/generated/programs/shell";
import { faultName } from "../../kernel/abi/fault";
import { Text } from "../runtime/text";
import { isInterrupted } from "./interrupt";
import { addMethodName, addSlotName } from "./names";
import { numberArgument } from "./number-argument";
import { dim, endLine, line, printLine, red } from "./output";
import { Words } from "./words";

const COUNT_DEFAULT: i64 = 20;
const COUNT_MAX: i64 = 100_000;
const DETAIL_COLUMN: u32 = 15;
const KIND_FAULT: u32 = 4;
const KIND_MALFORMED: u32 = 6;

/** One record, kept while its names are looked up. */
@final
export class AuditRecord {
  sequence: u64 = 0;
  timeNs: u64 = 0;
  kind: u32 = 0;
  subjectSlot: u32 = 0;
  targetSlot: u32 = 0;
  interfaceId: u32 = 0;
  method: u32 = 0;
  rule: u32 = 0;
  line: u32 = 0;
  repeats: u32 = 0;
  detail: u64 = 0;
  /** Of a fault: where the instruction was. */
  instruction: u64 = 0;

  get isFault(): bool {
    return this.kind == KIND_FAULT;
  }

  /** Reads record `sequence`, or the oldest after it that is kept; false if there is none. */
  read(sequence: u64): bool {
    const found: AuditReadAnswer = log.read(sequence);
    if (!found.ok) return false;
    this.sequence = found.sequence;
    this.timeNs = found.timeNs;
    this.kind = found.kind;
    this.subjectSlot = found.subjectSlot;
    this.targetSlot = found.targetSlot;
    this.interfaceId = found.interfaceId;
    this.method = found.method;
    this.rule = found.rule;
    this.line = found.line;
    this.repeats = found.repeats;
    this.detail = found.detail;
    this.instruction = <u64>found.targetClass | (<u64>found.interfaceId << 32);
    return true;
  }

  /** Adds what happened, in one line. Of a fault, `method` is the kind and `detail` the address. */
  describe(to: Text): void {
    addSlotName(this.subjectSlot, to);
    if (this.isFault) {
      to.string(": ").string(faultName(this.method)).string(" at ").hex(this.detail);
      return;
    }
    to.string(" -> ");
    addSlotName(this.targetSlot, to).byte(0x20);
    addMethodName(this.interfaceId, this.method, to);
  }

  /** Adds where in the program a fault was: function, file and line as the supervisor knows them, else the bare address. */
  place(to: Text): void {
    const found = supervisor.place(this.subjectSlot, this.instruction);
    const isKnown = found.ok && found.text.length > 0;
    to.string("in ");
    if (isKnown) to.text(found.text);
    else to.string("code at ").hex(this.instruction);
  }

  /** Adds why it was denied: the rule with its place, or that there is none. */
  reason(to: Text): void {
    if (this.kind == KIND_MALFORMED) {
      to.string("it has not the structure that the interface declares");
      return;
    }
    if (this.line == 0) {
      to.string("no rule allows it");
      return;
    }
    const rule = log.ruleText(this.rule);
    if (rule.ok) to.text(rule.text);
    else to.string("rule ").number(this.rule).string(", line ").number(this.line);
  }
}

export const record = new AuditRecord();

export function audit(words: Words): void {
  const wanted = numberArgument(words, 1, "COUNT", COUNT_DEFAULT, COUNT_MAX);
  if (wanted < 0) return;
  const count: u64 = wanted;
  const info = log.info();
  if (!info.ok) return printLine("the audit log does not answer");
  const next = info.next;
  const lost = info.lost;
  const oldest = info.oldest;

  if (next == oldest) return printLine("nothing has been denied and nothing has faulted");
  let sequence: u64 = next - oldest > count ? next - count : oldest;
  while (sequence < next && !isInterrupted() && record.read(sequence)) {
    show();
    sequence = record.sequence + 1;
  }
  if (lost == 0) return;
  line.number(lost).string(" records were lost: their domains' shares of the log were full");
  endLine();
}

function show(): void {
  line.byte(0x23).number(record.sequence).padTo(6).duration(record.timeNs).padTo(DETAIL_COLUMN);
  red(kindName(record.kind));
  record.describe(line.string("  "));
  if (record.repeats > 1) line.string(" (").number(record.repeats).string(" times)");
  endLine();
  line.padTo(DETAIL_COLUMN);
  if (record.isFault) {
    record.place(line);
  } else {
    dim("by: ");
    record.reason(line);
  }
  endLine();
}

export function kindName(kind: u32): string {
  switch (kind) {
    case 0: return "denied request";
    case 1: return "denied response";
    case 2: return "denied error";
    case 3: return "denied execute";
    case KIND_FAULT: return "fault";
    case 5: return "denied method";
    case KIND_MALFORMED: return "malformed";
    default: return "unknown";
  }
}
