import { Status } from "../abi/status";
import { slotCount } from "../monitor/monitor";
import { argument32, give, giveText } from "./method-frame";
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

export function traceMethod(method: u32): Status {
  switch (method) {
    case 0:
      return start();
    case 1:
      stopTrace();
      return Status.Ok;
    default:
      return next();
  }
}

function start(): Status {
  const count = slotCount();
  if (argument32(0) >= count || argument32(1) >= count) return Status.NotFound;
  return startTrace(argument32(0), argument32(1)) ? Status.Ok : Status.NoMemory;
}

function next(): Status {
  const record = takeTraceRecord();
  if (record === 0) return Status.NotFound;
  give(load<u64>(record + TRACE_TIME));
  give(<u64>load<u32>(record + TRACE_KIND));
  give(<u64>load<u32>(record + TRACE_FROM));
  give(<u64>load<u32>(record + TRACE_TO));
  give(<u64>load<u32>(record + TRACE_HEADER));
  give(<u64>load<u32>(record + TRACE_STATUS));
  give(<u64>load<u32>(record + TRACE_WORD_COUNT));
  give(<u64>load<u32>(record + TRACE_HANDLE_COUNT));
  give(<u64>load<u32>(record + TRACE_ARENA_BYTES));
  giveText(record + TRACE_DATA, traceDataBytes(record), TRACE_DATA_MAX);
  return Status.Ok;
}
