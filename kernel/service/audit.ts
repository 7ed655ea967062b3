import { Status } from "../abi/status";
import {
  auditDetail,
  auditField,
  auditInterface,
  auditKind,
  auditLine,
  auditLost,
  auditMask,
  auditMethod,
  auditNext,
  auditOldest,
  auditRead,
  auditRepeats,
  auditRule,
  auditSequence,
  auditSubjectClass,
  auditSubjectSlot,
  auditTargetClass,
  auditTargetSlot,
  auditTimeNs,
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
  if (!auditRead(argument(0))) return Status.NotFound;
  give(auditSequence());
  give(auditTimeNs());
  give(<u64>auditKind());
  give(<u64>auditSubjectSlot());
  give(<u64>auditTargetSlot());
  give(<u64>auditSubjectClass());
  give(<u64>auditTargetClass());
  give(<u64>auditInterface());
  give(<u64>auditMethod());
  give(<u64>auditRule());
  give(<u64>auditLine());
  give(<u64>auditRepeats());
  give(auditDetail());
  give(<u64>auditField());
  give(auditMask());
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
