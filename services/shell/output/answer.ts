import { Status } from "../../../kernel/abi/status";
import { Answer } from "../../runtime/message";
import { addMistake } from "../../runtime/mistake";
import { statusName } from "../../runtime/status-name";
import { endLine, line } from "./print";

/** True if the call succeeded; else prints why it failed. */
export function explain(answer: Answer): bool {
  if (answer.ok) return true;
  line.string(answer.status === Status.Timeout ? "no answer: " : "refused: ");
  if (answer.error !== 0) line.string("error ").number(answer.error).string(" of the interface");
  else line.string(statusName(answer.status));
  if (answer.status === Status.Malformed) addMistake(answer, line);
  endLine();
  return false;
}
