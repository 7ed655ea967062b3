import { RIGHT_SIGNAL } from "../abi/object";
import { Permission } from "../abi/permission";
import { Status } from "../abi/status";
import { signal } from "../ipc/notify";
import { judgePermission } from "../monitor/monitor";
import { hasRights } from "../handle/table";
import { Notice } from "../object/notice";
import { argument, calledHandle, callingDomain } from "./method-frame";

export function noticeMethod(_method: u32): Status {
  const entry = calledHandle();
  if (!hasRights(entry, RIGHT_SIGNAL)) return Status.NoRight;
  const domain = callingDomain();
  const verdict = <Status>(
    judgePermission(domain.slot, domain.classId, entry.classId, Permission.Signal)
  );
  if (verdict !== Status.Ok) return verdict;
  return signal(changetype<Notice>(entry.object!), argument(0));
}
