import { Status } from "../abi/status";
import {
  auditLost,
  auditNext,
  auditOldest,
  auditRead,
  ruleCount,
  ruleFile,
  ruleLine,
  ruleText,
  stringBytes,
} from "../monitor/monitor";
import {
  appendByte,
  appendLiteral,
  appendNumber,
  appendText,
  argument,
  argument32,
  give,
  giveBuiltText,
} from "./method-frame";

export function auditLogMethod(method: u32): Status {
  switch (method) {
    case 0:
      return info();
    case 1:
      return read();
    default:
      return textOfRule();
  }
}

function info(): Status {
  give(auditNext());
  give(auditOldest());
  give(auditLost());
  return Status.Ok;
}

function read(): Status {
  const record = auditRead(argument(0));
  if (record === null) return Status.NotFound;
  give(record.sequence);
  give(record.timeNs);
  give(<u64>record.kind);
  give(<u64>record.subjectSlot);
  give(<u64>record.targetSlot);
  give(<u64>record.subjectClass);
  give(<u64>record.targetClass);
  give(<u64>record.interfaceId);
  give(<u64>record.method);
  give(<u64>record.rule);
  give(<u64>record.line);
  give(<u64>record.repeats);
  give(record.detail);
  give(<u64>record.field);
  give(record.mask);
  return Status.Ok;
}

const RULE_TEXT_MAX: u32 = 256;

/** `file:line: rule`, cut at what the method may give. */
function textOfRule(): Status {
  const rule = argument32(0);
  if (rule >= ruleCount()) return Status.NotFound;
  const file = ruleFile(rule);
  const text = ruleText(rule);
  const fileBytes: u32 = file === 0 ? 0 : stringBytes(file);
  appendText(file, fileBytes < 64 ? fileBytes : 64);
  appendByte(0x3a);
  appendNumber(<u64>ruleLine(rule));
  appendLiteral(": ");
  const textBytes: u32 = text === 0 ? 0 : stringBytes(text);
  const room = RULE_TEXT_MAX - 80;
  appendText(text, textBytes < room ? textBytes : room);
  giveBuiltText();
  return Status.Ok;
}
