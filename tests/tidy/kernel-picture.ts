/** The kernel's floors as Graphviz is asked to draw them. */
import { type Floor, KERNEL_FLOORS } from "./layers.ts";

/** Fill by height: the ground is the darkest. */
const FILLS = [
  "#b9c9dc",
  "#c2d0e1",
  "#cbd8e6",
  "#d3deeb",
  "#dbe4ef",
  "#e2eaf3",
  "#e8eef6",
  "#eef3f9",
  "#f3f7fb",
  "#f8fafd",
];

function node({ name, about }: Floor, row: number): string {
  const lines = [`<b>${name}</b>`, `<font point-size="10" color="#45525f">${about}</font>`];
  const rows = lines.map((line) => `<tr><td>${line}</td></tr>`).join("");
  const label = `<<table border="0" cellspacing="0" cellpadding="1">${rows}</table>>`;
  return `  ${name} [label=${label} fillcolor="${FILLS[row]}"];`;
}

/**
 * A row of floors a line. An arrow leads from each floor to those of the next row, or to the file
 * of a neighbour that it may import.
 */
export function kernelPicture(): string {
  const rows = KERNEL_FLOORS.map((floors, row) => {
    const names = floors.map(({ name }) => name).join("; ");
    return [...floors.map((floor) => node(floor, row)), `  { rank=same; ${names}; }`].join("\n");
  });
  const arrows = KERNEL_FLOORS.flatMap((floors, row) =>
    floors.flatMap(({ name, imports = [] }) => [
      ...(KERNEL_FLOORS[row - 1] ?? []).map((below) => `  ${name} -> ${below.name};`),
      ...imports
        .map((path) => path.split("/"))
        .filter(([floor, file]) => file !== undefined && floors.some((f) => f.name === floor))
        .map(
          ([floor, file]) =>
            `  ${name} -> ${floor} [label=" ${file} " style=dashed constraint=false];`,
        ),
    ]),
  );
  return [
    "digraph kernel {",
    '  graph [rankdir=TB ranksep=0.28 nodesep=0.5 pad=0.2 bgcolor=white fontname="Helvetica"];',
    '  node [shape=box style="rounded,filled" color="#6b7f95" penwidth=1 width=4.2 height=0.55',
    '    margin="0.15,0.06" fontname="Helvetica" fontsize=13 fontcolor="#1b2733"];',
    '  edge [color="#6b7f95" arrowsize=0.6 fontname="Helvetica" fontsize=10 fontcolor="#45525f"];',
    ...rows.toReversed(),
    ...arrows.toReversed(),
    "}",
    "",
  ].join("\n");
}
