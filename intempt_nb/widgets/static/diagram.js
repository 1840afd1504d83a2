// A small diagram of collections and what refers to what: inline SVG, with the same in words for those who do not see it.
//
//   diagram({boxes: [{id, title, note, lines: [{id, text, key}], more}], links: [{from: [box, line], to: [box, line],
//            label, dashed}], label})
//     box    a collection: its title, a note beside it, and its fields; `key` marks those of its primary identifier, `more`
//            says what was left out. The first box is the one that it is about.
//     link   `from` refers to `to`; a link whose line is not shown ends at the box's title. Dashed: not there yet.
//     label  what the diagram shows, for a screen reader

const DIAGRAM = { row: 20, pad: 8, unit: 7, widest: 30, across: 120, round: 160, between: 18, edge: 24 };

// Wide letters (Chinese, Japanese, Korean, emoji) take two units.
const diagramUnits = (text) => Array.from(text).reduce((sum, each) => sum + (each.codePointAt(0) > 0x10ff ? 2 : 1), 0);

const diagramCut = (text, most = DIAGRAM.widest) => {
  if (diagramUnits(text) <= most) return text;
  let cut = "";
  let units = 1;
  for (const each of Array.from(text)) {
    units += diagramUnits(each);
    if (units > most) break;
    cut += each;
  }
  return `${cut}…`;
};

// Which column each box stands in: what a box refers to is right of it, what refers to it is left.
const diagramColumns = (boxes, links) => {
  const column = new Map();
  for (const box of boxes) {
    if (column.has(box.id)) continue;
    column.set(box.id, 0);
    const queue = [box.id];
    for (const at of queue) {
      for (const { from: [from], to: [to] } of links) {
        const [other, step] = from === at ? [to, 1] : [from, -1];
        if ((from === at || to === at) && !column.has(other)) {
          column.set(other, column.get(at) + step);
          queue.push(other);
        }
      }
    }
  }
  const first = Math.min(...column.values());
  for (const [id, at] of column) column.set(id, at - first);
  return column;
};

const diagramBox = (box) => {
  const lines = [...box.lines, ...(box.more ? [{ id: null, text: box.more, more: true }] : [])];
  const title = diagramCut(box.title);
  const note = box.note ? diagramCut(box.note, DIAGRAM.widest - 6) : "";
  const texts = [...lines.map((line) => diagramUnits(diagramCut(line.text)) + 3), diagramUnits(title) + 1, diagramUnits(note) + 1];
  return { ...box, lines, title, full: box.title, note, width: Math.max(12, ...texts) * DIAGRAM.unit + 2 * DIAGRAM.pad,
    head: DIAGRAM.row * (note ? 2 : 1), height: DIAGRAM.row * (lines.length + (note ? 2 : 1)) + DIAGRAM.pad / 2 };
};

// Boxes with their places; each column is centred.
const diagramLayout = (boxes, links) => {
  const column = diagramColumns(boxes, links);
  const columns = Array.from({ length: Math.max(0, ...column.values()) + 1 }, () => []);
  for (const box of boxes) columns[column.get(box.id)].push({ ...diagramBox(box), column: column.get(box.id) });
  const tall = (all) => all.reduce((sum, box) => sum + box.height + DIAGRAM.between, -DIAGRAM.between);
  const height = Math.max(0, ...columns.map(tall));
  const placed = new Map();
  const round = links.some(({ from: [from], to: [to] }) => column.get(from) === 0 && column.get(to) === 0);
  let x = DIAGRAM.edge + (round ? DIAGRAM.round : 0); // room for a curve on the left
  for (const all of columns) {
    const width = Math.max(0, ...all.map((box) => box.width));
    let y = DIAGRAM.edge + (height - tall(all)) / 2;
    for (const box of all) {
      placed.set(box.id, { ...box, x, y, width });
      y += box.height + DIAGRAM.between;
    }
    x += width + DIAGRAM.across;
  }
  return { placed, width: x - DIAGRAM.across + DIAGRAM.edge, height: height + 2 * DIAGRAM.edge };
};

const diagramHeight = (box, line) => {
  const at = box.lines.findIndex((each) => each.id === line && !each.more);
  return at < 0 ? box.y + DIAGRAM.row / 2 : box.y + box.head + (at + 0.5) * DIAGRAM.row;
};

// A curve from a line to a line with an arrow at its end; within a column, and in one box, it goes round the left side.
const diagramCurve = (link, placed) => {
  const [from, to] = [placed.get(link.from[0]), placed.get(link.to[0])];
  const [y1, y2] = [diagramHeight(from, link.from[1]), diagramHeight(to, link.to[1])];
  const back = to.column < from.column;
  const round = to.column === from.column;
  const x1 = back || round ? from.x : from.x + from.width;
  const x2 = back ? to.x + to.width : to.x;
  const [out, into] = [back || round ? -1 : 1, back ? 1 : -1];
  const bend = round ? 60 : Math.max(40, Math.abs(x2 - x1) / 2);
  const lift = round && y1 === y2 ? 2 * DIAGRAM.row : 0; // a line that refers to itself
  const tip = x2 + into * 2;
  return {
    path: `M ${x1} ${y1} C ${x1 + out * bend} ${y1 + lift} ${x2 + into * bend} ${y2 - lift} ${tip + into * 7} ${y2}`,
    arrow: `${tip},${y2} ${tip + into * 8},${y2 - 4} ${tip + into * 8},${y2 + 4}`,
    middle: { x: (x1 + x2) / 2 - (round ? 50 : 0), y: (y1 + y2) / 2 + (round ? 4 : -5), "text-anchor": round ? "end" : "middle" },
  };
};

const diagramLink = (link, placed, at) => {
  const { path, arrow } = diagramCurve(link, placed);
  return h("g", { key: `link-${at}`, class: link.dashed ? "inb-link inb-link-new" : "inb-link" },
    h("path", { d: path }), h("polygon", { points: arrow }));
};

// Above all curves, so that none crosses out a word.
const diagramLabel = (link, placed, at) => link.label && h("text", { key: `label-${at}`, class: "inb-link-label",
  ...diagramCurve(link, placed).middle }, diagramCut(link.label, 16), h("title", {}, link.label));

const diagramDraw = (box, first) => h("g", { key: `box-${box.id}`, class: first ? "inb-box inb-box-own" : "inb-box" },
  h("rect", { x: box.x, y: box.y, width: box.width, height: box.height, rx: 3 }),
  h("path", { d: `M ${box.x} ${box.y + box.head} h ${box.width}` }),
  h("text", { class: "inb-box-title", x: box.x + DIAGRAM.pad, y: box.y + 14 }, box.title, h("title", {}, box.full)),
  box.note && h("text", { class: "inb-box-note", x: box.x + DIAGRAM.pad, y: box.y + 14 + DIAGRAM.row }, box.note),
  box.lines.map((line, at) => {
    const y = box.y + box.head + at * DIAGRAM.row + 15;
    return h("g", { key: `line-${at}`, class: line.key ? "inb-box-key" : line.more ? "inb-box-more" : undefined },
      line.key && h("circle", { cx: box.x + DIAGRAM.pad + 4, cy: y - 4, r: 3.5 }),
      h("text", { x: box.x + DIAGRAM.pad + 14, y }, diagramCut(line.text), h("title", {}, line.text)));
  }));

const diagramWords = (boxes, links) => {
  const byId = new Map(boxes.map((box) => [box.id, box]));
  const line = (box, id) => box.lines.find((each) => each.id === id)?.text;
  const end = ([box, id]) => [byId.get(box).title, line(byId.get(box), id)].filter(Boolean).join(", ");
  return [
    ...boxes.map((box) => {
      const keys = box.lines.filter((each) => each.key).map((each) => each.text);
      return `${box.title}${box.note ? ` (${box.note})` : ""}: ${keys.length ? `primary key ${keys.join(", ")}` : "no primary key"}`;
    }),
    ...links.map((link) => `${end(link.from)} ${link.dashed ? "would refer" : "refers"} to ${end(link.to)}${link.label ? ` (${link.label})` : ""}`),
  ];
};

const diagram = ({ boxes, links, label = "Diagram of the collections" }) => {
  const known = new Set(boxes.map((box) => box.id));
  const shown = links.filter(({ from: [from], to: [to] }) => known.has(from) && known.has(to));
  const { placed, width, height } = diagramLayout(boxes, shown);
  return h("figure", { class: "inb-diagram", key: "diagram" },
    h("div", { class: "inb-scroll", tabindex: 0, role: "region", "aria-label": label },
      h("svg", { width, height, viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true", focusable: "false" },
        boxes.map((box, at) => diagramDraw(placed.get(box.id), at === 0)),
        shown.map((link, at) => diagramLink(link, placed, at)), shown.map((link, at) => diagramLabel(link, placed, at))),
      h("ul", { class: "inb-unseen" }, diagramWords(boxes, shown).map((each) => h("li", {}, each)))));
};
