import {
  AUDIT_RULE_TEXT_TEXT_MAX,
  AuditInfoResponse,
  AuditMethod,
  AuditReadRequest,
  AuditReadResponse,
  AuditRuleTextRequest,
  AuditRuleTextResponse,
} from "../../build/generated/kernel/Audit";
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
import { MethodCall } from "./method-call";
import { TextBuffer } from "./text-buffer";

export function auditLogMethod(method: u32, call: MethodCall): Status {
  switch (method) {
    case AuditMethod.Info:
      return info(call);
    case AuditMethod.Read:
      return read(call);
    case AuditMethod.RuleText:
      return textOfRule(call);
    default:
      return Status.BadHeader;
  }
}

function info(call: MethodCall): Status {
  const response = AuditInfoResponse.at(call.response);
  response.next = auditNext();
  response.oldest = auditOldest();
  response.lost = auditLost();
  return Status.Ok;
}

function read(call: MethodCall): Status {
  const record = auditRead(AuditReadRequest.at(call.request).sequence);
  if (record === null) return Status.NotFound;
  const response = AuditReadResponse.at(call.response);
  response.sequence = record.sequence;
  response.timeNs = record.timeNs;
  response.kind = record.kind;
  response.subjectSlot = record.subjectSlot;
  response.targetSlot = record.targetSlot;
  response.subjectClass = record.subjectClass;
  response.targetClass = record.targetClass;
  response.interfaceId = record.interfaceId;
  response.method = record.method;
  response.rule = record.rule;
  response.line = record.line;
  response.repeats = record.repeats;
  response.detail = record.detail;
  response.field = record.field;
  response.mask = record.mask;
  return Status.Ok;
}

/** Bytes of a file's name that are returned. */
const FILE_MAX: u32 = 64;
/** FILE_MAX, a line's number of at most ten digits, and the separators. */
const PLACE_MAX: u32 = 80;
const COLON: u32 = 0x3a;

/** `file:line: rule`, cut to what a response holds. */
function textOfRule(call: MethodCall): Status {
  const rule = AuditRuleTextRequest.at(call.request).rule;
  if (rule >= ruleCount()) return Status.NotFound;
  const text = call.text;
  appendString(text, ruleFile(rule), FILE_MAX);
  text.appendByte(COLON);
  text.appendNumber(<u64>ruleLine(rule));
  text.appendLiteral(": ");
  appendString(text, ruleText(rule), AUDIT_RULE_TEXT_TEXT_MAX - PLACE_MAX);
  AuditRuleTextResponse.at(call.response).textLength = text.length;
  return Status.Ok;
}

/** Appends at most `max` bytes of a string of the blob; nothing for address 0. */
function appendString(text: TextBuffer, string: usize, max: u32): void {
  if (string === 0) return;
  const bytes = stringBytes(string);
  text.append(string, bytes < max ? bytes : max);
}
