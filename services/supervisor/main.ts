// Slot 0: starts what the image describes, hears of faults, and starts again what its rule says.
// Decides when, never what: programs, handles and quotas come from the signed image.

import { addService, serve } from "../runtime/server";
import { Control } from "./control";
import { Faults } from "./faults";
import { Slots } from "./slots";

export function main(): void {
  const slots = new Slots();
  slots.adoptOrStart();
  addService(new Faults(slots));
  serve(new Control(slots));
}
