import {
  TRACE_NEXT_DATA_MAX,
  TraceMethod,
  TraceNextResponse,
  TraceStartRequest,
} from "../../build/generated/kernel/Trace";
import { Status } from "../abi/status";
import { TRACE_DATA_MAX, startTrace, stopTrace, takeTraceRecord } from "../ipc/trace";
import { slotCount } from "../monitor/monitor";
import { MethodCall } from "./method-call";

if (TRACE_NEXT_DATA_MAX !== TRACE_DATA_MAX)
  ERROR("the interface Trace declares another size of `data` than a record has");

export function traceMethod(method: u32, call: MethodCall): Status {
  switch (method) {
    case TraceMethod.Start:
      return start(call);
    case TraceMethod.Stop:
      stopTrace();
      return Status.Ok;
    case TraceMethod.Next:
      return next(call);
    default:
      return Status.BadHeader;
  }
}

function start(call: MethodCall): Status {
  const request = TraceStartRequest.at(call.request);
  const count = slotCount();
  if (request.slotA >= count || request.slotB >= count) return Status.NotFound;
  return startTrace(request.slotA, request.slotB) ? Status.Ok : Status.NoMemory;
}

function next(call: MethodCall): Status {
  const record = takeTraceRecord();
  if (record === null) return Status.NotFound;
  const response = TraceNextResponse.at(call.response);
  response.timeNs = record.timeNs;
  response.kind = record.kind;
  response.from = record.from;
  response.to = record.to;
  response.header = record.header.word;
  response.outcome = record.status;
  response.words = record.wordCount;
  response.handles = record.handleCount;
  response.arenaLength = record.arenaBytes;
  response.dataLength = call.text.set(record.data, record.dataBytes, TRACE_NEXT_DATA_MAX);
  return Status.Ok;
}
