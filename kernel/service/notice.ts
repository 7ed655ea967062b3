import { NoticeMethod, NoticeSignalRequest } from "../../build/generated/kernel/Notice";
import { RIGHT_SIGNAL } from "../abi/object";
import { Permission } from "../abi/permission";
import { Status } from "../abi/status";
import { hasRights } from "../handle/table";
import { signal } from "../ipc/notify";
import { Notice } from "../object/notice";
import { MethodCall } from "./method-call";

export function noticeMethod(method: u32, call: MethodCall): Status {
  return method === NoticeMethod.Signal ? signalNotice(call) : Status.BadHeader;
}

function signalNotice(call: MethodCall): Status {
  const handle = call.handle;
  if (!hasRights(handle, RIGHT_SIGNAL)) return Status.NoRight;
  const verdict = call.judge(handle.classId, Permission.Signal);
  if (verdict !== Status.Ok) return verdict;
  return signal(changetype<Notice>(handle.object!), NoticeSignalRequest.at(call.request).bits);
}
