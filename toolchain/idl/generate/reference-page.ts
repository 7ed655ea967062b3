/** The reference page of one interface, in Markdown. */
import type { FieldType } from "../../vocabulary/interface.ts";
import type { InterfaceModel, Layout, Method } from "../model.ts";

export function referencePage(model: InterfaceModel): string {
  const lines = [`# ${model.name}`, ""];
  if (model.about !== undefined) lines.push(model.about, "");
  lines.push(
    `Interface 0x${model.id.toString(16)}, version ${model.version}. Described in \`${model.file}\`.`,
    "",
  );
  if (model.errors.length > 0)
    lines.push(
      "Errors: " + model.errors.map((error, index) => `${index + 1} \`${error}\``).join(", ") + ".",
      "",
    );
  for (const method of model.methods) lines.push(...methodSection(method));
  return `${lines.join("\n").trimEnd()}\n`;
}

function methodSection(method: Method): string[] {
  const lines = [`## ${method.index} · ${method.name}`, ""];
  if (method.about !== undefined) lines.push(method.about, "");
  if (method.idempotent)
    lines.push(
      "May be repeated without harm after the server was restarted; the stub does so.",
      "",
    );
  lines.push(...layoutTable("takes", method.request), ...layoutTable("returns", method.answer));
  return lines;
}

function layoutTable(title: string, layout: Layout): string[] {
  if (layout.fields.length === 0) return [];
  const rows = layout.fields.map(
    (field) =>
      `| ${field.name} | ${typeText(field.type)} | ${field.handle >= 0 ? `handle ${field.handle}` : `word ${field.word}`} |`,
  );
  return [`| ${title} | type | place |`, "|---|---|---|", ...rows, ""];
}

function typeText(type: FieldType): string {
  switch (type.kind) {
    case "scalar":
      return type.name;
    case "enumeration":
      return type.names.map((name, number) => `${number} ${name}`).join(", ");
    case "bytes":
      return `bytes, at most ${type.max}`;
    case "text":
      return `text, at most ${type.max} bytes`;
    case "handle":
      return `handle to ${type.to}`;
  }
}
