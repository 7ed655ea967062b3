// The handles that every program has when it starts. The handles that its manifest names are
// generated (build/generated/programs/).

import {
  HANDLE_GENERATION_SHIFT,
  HANDLE_INDEX_DOMAIN,
  HANDLE_INDEX_THREAD,
  INITIAL_GENERATION,
} from "../../kernel/abi/system-call";
import { DomainClient } from "../../build/generated/interfaces/Domain";
import { InboxClient } from "../../build/generated/interfaces/Inbox";
import { ThreadClient } from "../../build/generated/interfaces/Thread";
import { INBOX } from "./server";

const GENERATION: u32 = INITIAL_GENERATION << HANDLE_GENERATION_SHIFT;

export const domain: DomainClient = changetype<DomainClient>(
  <usize>(GENERATION | HANDLE_INDEX_DOMAIN),
);
export const inbox: InboxClient = changetype<InboxClient>(<usize>INBOX);
export const thread: ThreadClient = changetype<ThreadClient>(
  <usize>(GENERATION | HANDLE_INDEX_THREAD),
);
