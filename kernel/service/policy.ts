import { Status } from "../abi/status";
import {
  classCount,
  className,
  epoch,
  findClass,
  findMethod,
  interfaceName,
  methodName,
  servedInterface,
  policySigner,
  policyVersion,
  query,
  queryClass,
  queryRule,
  queryTransfer,
  ruleCount,
  ruleLine,
  stringBytes,
} from "../monitor/monitor";
import { argument32, give, giveText, readText, textLength, textStart } from "./method-frame";

const NAME_MAX: u32 = 64;

export function policyMethod(method: u32): Status {
  switch (method) {
    case 0:
      return info();
    case 1:
      return ask();
    case 2:
      return giveName(className(argument32(0)));
    case 3:
      return classOfName();
    case 4:
      return giveName(interfaceName(argument32(0)));
    case 5:
      return giveName(methodName(argument32(0), argument32(1)));
    case 6:
      return methodOfName();
    default:
      return interfaceAt();
  }
}

function info(): Status {
  give(policyVersion());
  give(<u64>epoch());
  give(<u64>policySigner());
  give(<u64>classCount());
  give(<u64>ruleCount());
  return Status.Ok;
}

function ask(): Status {
  give(
    <u64>(<u32>query(argument32(0), argument32(1), argument32(2), argument32(3), argument32(4))),
  );
  give(<u64>queryRule());
  give(<u64>ruleLine(queryRule()));
  give(
    <u64>(
      (<u32>(
        queryTransfer(argument32(0), argument32(1), argument32(2), argument32(3), argument32(4))
      ))
    ),
  );
  give(<u64>queryClass());
  return Status.Ok;
}

function giveName(name: usize): Status {
  if (name === 0) return Status.NotFound;
  giveText(name, stringBytes(name), NAME_MAX);
  return Status.Ok;
}

function classOfName(): Status {
  const status = readText(0, NAME_MAX);
  if (status !== Status.Ok) return status;
  const found = findClass(textStart(), textLength());
  if (found === 0) return Status.NotFound;
  give(<u64>found);
  return Status.Ok;
}

function methodOfName(): Status {
  const status = readText(1, NAME_MAX);
  if (status !== Status.Ok) return status;
  const found = findMethod(argument32(0), textStart(), textLength());
  if (found === 0) return Status.NotFound;
  give(found & 0xffffffff);
  give(found >> 32);
  return Status.Ok;
}

function interfaceAt(): Status {
  const found = servedInterface(argument32(0), argument32(1));
  if (found === 0) return Status.NotFound;
  give(<u64>found);
  return Status.Ok;
}
