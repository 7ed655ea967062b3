import {
  POLICY_CLASS_NAME_TEXT_MAX,
  POLICY_FIND_CLASS_NAME_MAX,
  POLICY_FIND_METHOD_NAME_MAX,
  POLICY_INTERFACE_NAME_TEXT_MAX,
  POLICY_METHOD_NAME_TEXT_MAX,
  PolicyClassNameRequest,
  PolicyClassNameResponse,
  PolicyFindClassRequest,
  PolicyFindClassResponse,
  PolicyFindMethodRequest,
  PolicyFindMethodResponse,
  PolicyInfoResponse,
  PolicyInterfaceAtRequest,
  PolicyInterfaceAtResponse,
  PolicyInterfaceNameRequest,
  PolicyInterfaceNameResponse,
  PolicyMethod,
  PolicyMethodNameRequest,
  PolicyMethodNameResponse,
  PolicyQueryRequest,
  PolicyQueryResponse,
} from "../../build/generated/kernel/Policy";
import { Status } from "../abi/status";
import {
  classCount,
  className,
  epoch,
  findClass,
  findMethod,
  interfaceName,
  methodName,
  policySigner,
  policyVersion,
  query,
  ruleCount,
  ruleLine,
  servedInterface,
  stringBytes,
} from "../monitor/monitor";
import { MethodCall } from "./method-call";

export function policyMethod(method: u32, call: MethodCall): Status {
  switch (method) {
    case PolicyMethod.Info:
      return info(call);
    case PolicyMethod.Query:
      return ask(call);
    case PolicyMethod.ClassName:
      return nameOfClass(call);
    case PolicyMethod.FindClass:
      return classOfName(call);
    case PolicyMethod.InterfaceName:
      return nameOfInterface(call);
    case PolicyMethod.MethodName:
      return nameOfMethod(call);
    case PolicyMethod.FindMethod:
      return methodOfName(call);
    case PolicyMethod.InterfaceAt:
      return interfaceAt(call);
    default:
      return Status.BadHeader;
  }
}

function info(call: MethodCall): Status {
  const response = PolicyInfoResponse.at(call.response);
  response.version = policyVersion();
  response.epoch = epoch();
  response.signer = policySigner();
  response.classes = classCount();
  response.rules = ruleCount();
  return Status.Ok;
}

function ask(call: MethodCall): Status {
  const request = PolicyQueryRequest.at(call.request);
  const response = PolicyQueryResponse.at(call.response);
  const answer = query(
    request.subjectClass,
    request.targetClass,
    request.interfaceId,
    request.method,
    request.event,
  );
  response.verdict = answer.verdict;
  response.rule = answer.rule;
  response.line = ruleLine(answer.rule);
  response.transfer = answer.transfer;
  response.missingClass = answer.missingClass;
  return Status.Ok;
}

function nameOfClass(call: MethodCall): Status {
  const name = className(PolicyClassNameRequest.at(call.request).classId);
  if (name === 0) return Status.NotFound;
  PolicyClassNameResponse.at(call.response).textLength = call.text.set(
    name,
    stringBytes(name),
    POLICY_CLASS_NAME_TEXT_MAX,
  );
  return Status.Ok;
}

function nameOfInterface(call: MethodCall): Status {
  const name = interfaceName(PolicyInterfaceNameRequest.at(call.request).interfaceId);
  if (name === 0) return Status.NotFound;
  PolicyInterfaceNameResponse.at(call.response).textLength = call.text.set(
    name,
    stringBytes(name),
    POLICY_INTERFACE_NAME_TEXT_MAX,
  );
  return Status.Ok;
}

function nameOfMethod(call: MethodCall): Status {
  const request = PolicyMethodNameRequest.at(call.request);
  const name = methodName(request.interfaceId, request.method);
  if (name === 0) return Status.NotFound;
  PolicyMethodNameResponse.at(call.response).textLength = call.text.set(
    name,
    stringBytes(name),
    POLICY_METHOD_NAME_TEXT_MAX,
  );
  return Status.Ok;
}

function classOfName(call: MethodCall): Status {
  const request = PolicyFindClassRequest.at(call.request);
  const status = call.takeText(request.nameOffset, request.nameLength, POLICY_FIND_CLASS_NAME_MAX);
  if (status !== Status.Ok) return status;
  const found = findClass(call.text.start, call.text.length);
  if (found === 0) return Status.NotFound;
  PolicyFindClassResponse.at(call.response).classId = found;
  return Status.Ok;
}

function methodOfName(call: MethodCall): Status {
  const request = PolicyFindMethodRequest.at(call.request);
  const status = call.takeText(request.nameOffset, request.nameLength, POLICY_FIND_METHOD_NAME_MAX);
  if (status !== Status.Ok) return status;
  const found = findMethod(request.classId, call.text.start, call.text.length);
  if (found === 0) return Status.NotFound;
  const response = PolicyFindMethodResponse.at(call.response);
  response.interfaceId = <u32>found;
  response.method = <u32>(found >> 32);
  return Status.Ok;
}

function interfaceAt(call: MethodCall): Status {
  const request = PolicyInterfaceAtRequest.at(call.request);
  const found = servedInterface(request.classId, request.index);
  if (found === 0) return Status.NotFound;
  PolicyInterfaceAtResponse.at(call.response).interfaceId = found;
  return Status.Ok;
}
