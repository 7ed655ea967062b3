// Slot 0: starts the programs of the image, receives their faults, and restarts those whose rule
// says so. The supervisor decides when a program starts; its handles and quota come from the signed
// image.

import { addService, serveLoop } from "../runtime/server";
import { Control } from "./control";
import { Faults } from "./faults";
import { Slots } from "./slots";

export function main(): void {
  const slots = new Slots();
  slots.adoptOrStart();
  addService(new Faults(slots));
  addService(new Control(slots));
  serveLoop();
}
