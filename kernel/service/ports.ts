import { PortsInfoResponse, PortsMethod } from "../../build/generated/kernel/Ports";
import { Status } from "../abi/status";
import { MethodCall } from "./method-call";

export function portsMethod(method: u32, call: MethodCall): Status {
  return method === PortsMethod.Info ? info(call) : Status.BadHeader;
}

/** The badge of a handle to ports: the first port in the low half, the number in the high half. */
function info(call: MethodCall): Status {
  const range = call.handle.badge;
  const response = PortsInfoResponse.at(call.response);
  response.first = <u32>range;
  response.count = <u32>(range >> 32);
  return Status.Ok;
}
