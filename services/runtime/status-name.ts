import { Status } from "../../kernel/abi/status";

/** A status in words. */
export function statusName(status: u32): string {
  switch (status) {
    case Status.Ok:
      return "ok";
    case Status.Notified:
      return "notified";
    case Status.Denied:
      return "denied";
    case Status.BadHandle:
      return "no such handle";
    case Status.WrongType:
      return "handle of another type";
    case Status.NoRight:
      return "right missing";
    case Status.BadArgument:
      return "bad argument";
    case Status.Timeout:
      return "timed out";
    case Status.Cancelled:
      return "cancelled";
    case Status.PeerDied:
      return "the other side died";
    case Status.Restarted:
      return "the other side was restarted";
    case Status.PeerFault:
      return "the other side's buffer is unusable";
    case Status.Gone:
      return "no caller waits for it";
    case Status.NoMemory:
      return "out of memory: its quota's or the machine's";
    case Status.NoSpace:
      return "table full";
    case Status.TooLong:
      return "too long for the receiver";
    case Status.Deadlock:
      return "would deadlock";
    case Status.TooDeep:
      return "chain of calls too long";
    case Status.Again:
      return "not finished";
    case Status.BadHeader:
      return "bad header";
    case Status.BadVersion:
      return "other version";
    case Status.Busy:
      return "busy";
    case Status.NotFound:
      return "not found";
    case Status.WrongInterface:
      return "other interface";
    case Status.ErrorReply:
      return "error answer";
    case Status.Malformed:
      return "malformed message";
    case Status.BadAddress:
      return "bad address";
    case Status.Sealed:
      return "sealed";
    case Status.Unsupported:
      return "the processor lacks what it needs: see the kernel's log";
    default:
      return "unknown status";
  }
}
