import { AuditReadAnswer } from "../../../build/generated/interfaces/Audit";
import { audit as log, supervisor } from "../../../build/generated/programs/shell";
import { faultName } from "../../../kernel/abi/fault";
import { keep } from "../../runtime/message";
import { Text } from "../../runtime/text";
import { isInterrupted } from "../line/interrupt";
import { addMethodName, addSlotName } from "../output/names";
import { numberArgument } from "./number-argument";
import { dim, endLine, green, line, printLine, red } from "../output/print";
import { addMalformation, addRefusedValue } from "../output/refused-value";
import { Words } from "../line/words";

const COUNT_DEFAULT: i64 = 20;
const COUNT_MAX: i64 = 100_000;
const DETAIL_COLUMN: u32 = 19;
const KIND_FAULT: u32 = 4;
const KIND_MALFORMED: u32 = 6;
/** Allowed by a rule that asks for a record. */
const KIND_GRANTED: u32 = 7;

/**
 * Reads record `sequence`, or the oldest later one, and keeps it while its names are looked up; not
 * `ok` if there is none.
 */
export function readRecord(sequence: u64): AuditReadAnswer {
  return keep(log.read(sequence));
}

/** Adds what happened. In the record of a fault, `method` is its kind and `detail` its address. */
export function addEvent(record: AuditReadAnswer, to: Text): void {
  addSlotName(record.subjectSlot, to);
  if (record.kind === KIND_FAULT) {
    to.string(": ").string(faultName(record.method)).string(" at ").hex(record.detail);
    return;
  }
  to.string(" -> ");
  addSlotName(record.targetSlot, to).byte(0x20);
  addMethodName(record.interfaceId, record.method, to);
}

/** Adds where in the program a fault happened, or the rule that denied the message, if one did. */
export function addCause(record: AuditReadAnswer, to: Text): void {
  if (record.kind === KIND_FAULT) addPlace(record, to);
  else if (record.kind === KIND_MALFORMED) addMalformation(record, to);
  else if (record.line === 0) to.string("no rule allows it");
  else addRule(record, to);
}

/** Adds function, file and line of a fault, or the address if the supervisor does not know them. */
function addPlace(record: AuditReadAnswer, to: Text): void {
  const instruction = <u64>record.targetClass | ((<u64>record.interfaceId) << 32);
  const found = supervisor.place(record.subjectSlot, instruction);
  to.string("in ");
  if (found.ok && found.text.length > 0) to.text(found.text);
  else to.string("code at ").hex(instruction);
}

function addRule(record: AuditReadAnswer, to: Text): void {
  const rule = log.ruleText(record.rule);
  if (rule.ok) to.text(rule.text);
  else to.string("rule ").number(record.rule).string(", line ").number(record.line);
}

export function audit(words: Words): void {
  const wanted = numberArgument(words, 1, "COUNT", COUNT_DEFAULT, COUNT_MAX);
  if (wanted < 0) return;
  const count: u64 = wanted;
  const info = log.info();
  if (!info.ok) return printLine("the audit log does not answer");
  const next = info.next;
  const lost = info.lost;
  const oldest = info.oldest;

  if (next === oldest) return printLine("nothing has been denied and nothing has faulted");
  let sequence: u64 = next - oldest > count ? next - count : oldest;
  while (sequence < next && !isInterrupted()) {
    const record = readRecord(sequence);
    if (!record.ok) break;
    show(record);
    sequence = record.sequence + 1;
  }
  if (lost === 0) return;
  line.number(lost).string(" records were lost: their domains' shares of the log were full");
  endLine();
}

function show(record: AuditReadAnswer): void {
  line.byte(0x23).number(record.sequence).padTo(6).time(record.timeNs).padTo(DETAIL_COLUMN);
  if (record.kind === KIND_GRANTED) green("granted");
  else red(kindName(record.kind));
  addEvent(record, line.string("  "));
  if (record.repeats > 1) line.string(" (").number(record.repeats).string(" times)");
  endLine();
  line.padTo(DETAIL_COLUMN);
  if (record.kind !== KIND_FAULT && record.kind !== KIND_MALFORMED) dim("by: ");
  addCause(record, line);
  endLine();
  if (record.kind === KIND_FAULT || record.kind === KIND_MALFORMED || record.field === 0) return;
  addRefusedValue(record, line.padTo(DETAIL_COLUMN));
  endLine();
}

function kindName(kind: u32): string {
  switch (kind) {
    case 0:
      return "denied request";
    case 1:
      return "denied response";
    case 2:
      return "denied error";
    case 3:
      return "denied execute";
    case KIND_FAULT:
      return "fault";
    case 5:
      return "denied method";
    case KIND_MALFORMED:
      return "malformed";
    case KIND_GRANTED:
      return "granted";
    default:
      return "unknown";
  }
}
