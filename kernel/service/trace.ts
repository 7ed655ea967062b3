import {
  TRACE_NEXT_DATA_MAX,
  TraceMethod,
  TraceNextResponse,
  TraceStartRequest,
} from "../../build/generated/kernel/Trace";
import { Status } from "../abi/status";
import {
  TRACE_ARENA_BYTES,
  TRACE_DATA,
  TRACE_DATA_MAX,
  TRACE_FROM,
  TRACE_HANDLE_COUNT,
  TRACE_HEADER,
  TRACE_KIND,
  TRACE_STATUS,
  TRACE_TIME,
  TRACE_TO,
  TRACE_WORD_COUNT,
  startTrace,
  stopTrace,
  takeTraceRecord,
  traceDataBytes,
} from "../ipc/trace";
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
  if (record === 0) return Status.NotFound;
  const response = TraceNextResponse.at(call.response);
  response.timeNs = load<u64>(record + TRACE_TIME);
  response.kind = load<u32>(record + TRACE_KIND);
  response.from = load<u32>(record + TRACE_FROM);
  response.to = load<u32>(record + TRACE_TO);
  response.header = load<u32>(record + TRACE_HEADER);
  response.outcome = load<u32>(record + TRACE_STATUS);
  response.words = load<u32>(record + TRACE_WORD_COUNT);
  response.handles = load<u32>(record + TRACE_HANDLE_COUNT);
  response.arenaLength = load<u32>(record + TRACE_ARENA_BYTES);
  response.dataLength = call.text.set(
    record + TRACE_DATA,
    traceDataBytes(record),
    TRACE_NEXT_DATA_MAX,
  );
  return Status.Ok;
}
