// SPDX-License-Identifier: GPL-3.0-or-later
// Draws what a page shows as an SVG: boxes, text, icons, and the pictures of its videos as coloured rectangles.
// A function of {title, description}; evaluated in the page by svg_picture.py, which says what it leaves out.

({ title, description }) => {
  const COLUMNS = 160, MARGIN = 4; // a picture's cells; the margin gives the blur something to mix the edge with
  const COLOURS = 56, ROUNDS = 8; // of one picture; of k-means
  const AROUND = [[-1, -1], [0, -1], [1, -1], [-1, 0], [1, 0], [-1, 1], [0, 1], [1, 1]], MAJORITY = 5; // of eight neighbours
  const scratch = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const definitions = [];

  const short = (number) => String(Math.round(number * 10) / 10);
  const escaped = (text) => text.replace(/[&<>"]/g, (char) => `&#${char.charCodeAt(0)};`);

  function element(tag, attributes, content = '') {
    const words = Object.entries(attributes).filter(([, value]) => value !== null)
      .map(([name, value]) => ` ${name}="${typeof value === 'number' ? short(value) : escaped(String(value))}"`).join('');
    return content ? `<${tag}${words}>${content}</${tag}>\n` : `<${tag}${words}/>\n`;
  }

  /** A computed colour as #rrggbb and opacity; null when nothing of it shows. */
  function colour(computed) {
    scratch.canvas.width = scratch.canvas.height = 1;
    scratch.fillStyle = computed;
    const parts = /^rgba\((\d+), (\d+), (\d+), ([\d.]+)\)$/.exec(scratch.fillStyle);
    if (!parts) return { hex: scratch.fillStyle, opacity: null };
    const hex = '#' + parts.slice(1, 4).map((part) => (+part).toString(16).padStart(2, '0')).join('');
    return +parts[4] === 0 ? null : { hex, opacity: parts[4] };
  }

  function radius(style, rect) {
    const given = style.borderTopLeftRadius;
    const wanted = given.endsWith('%') ? parseFloat(given) / 100 * rect.width : parseFloat(given);
    return Math.min(wanted, rect.width / 2, rect.height / 2);
  }

  function box(rect, style) {
    const ground = colour(style.backgroundColor), line = parseFloat(style.borderTopWidth);
    const edge = line && style.borderTopStyle !== 'none' ? colour(style.borderTopColor) : null;
    if (!ground && !edge) return '';
    const inset = edge ? line / 2 : 0;
    return element('rect', {
      x: rect.x + inset, y: rect.y + inset, width: rect.width - 2 * inset, height: rect.height - 2 * inset,
      rx: Math.max(0, radius(style, rect) - inset) || null,
      fill: ground?.hex ?? 'none', 'fill-opacity': ground?.opacity ?? null,
      stroke: edge?.hex ?? null, 'stroke-opacity': edge?.opacity ?? null, 'stroke-width': edge ? line : null,
    });
  }

  function text(node) {
    const words = node.data.trim(), range = document.createRange();
    range.selectNodeContents(node);
    const lines = range.getClientRects();
    if (!words || !lines.length) return '';
    if (lines.length > 1) throw new Error(`a text of ${lines.length} lines is not drawn: ${words}`);
    const [rect] = lines, style = getComputedStyle(node.parentElement), ink = colour(style.color);
    scratch.font = style.font;
    return element('text', {
      x: rect.x, y: rect.y + scratch.measureText(words).fontBoundingBoxAscent,
      'font-family': style.fontFamily.replaceAll('"', "'"), 'font-size': parseFloat(style.fontSize), 'font-weight': style.fontWeight,
      textLength: rect.width, lengthAdjust: 'spacingAndGlyphs', fill: ink.hex, 'fill-opacity': ink.opacity,
    }, escaped(words));
  }

  function icon(svg, rect, style) {
    const shapes = [...svg.children].map((child) =>
      element(child.tagName, Object.fromEntries([...child.attributes].map(({ name, value }) => [name, value])))).join('');
    return element('svg', {
      x: rect.x, y: rect.y, width: rect.width, height: rect.height, viewBox: svg.getAttribute('viewBox'),
      fill: style.fill === 'none' ? 'none' : colour(style.fill).hex, stroke: style.stroke === 'none' ? null : colour(style.stroke).hex,
      'stroke-width': parseFloat(style.strokeWidth), 'stroke-linecap': style.strokeLinecap, 'stroke-linejoin': style.strokeLinejoin,
    }, shapes);
  }

  /** What a video shows, covering its box as CSS does it: [red, green, blue] of each cell, row by row. */
  function cells(video, style, columns, rows) {
    const scale = Math.max(columns / video.videoWidth, rows / video.videoHeight);
    const [width, height] = [video.videoWidth * scale, video.videoHeight * scale];
    scratch.canvas.width = columns;
    scratch.canvas.height = rows;
    scratch.imageSmoothingQuality = 'high';
    if (new DOMMatrix(style.transform).a < 0) scratch.setTransform(-1, 0, 0, 1, columns, 0);
    scratch.drawImage(video, (columns - width) / 2, (rows - height) / 2, width, height);
    const { data } = scratch.getImageData(0, 0, columns, rows);
    return Array.from({ length: columns * rows }, (_, at) => [data[4 * at], data[4 * at + 1], data[4 * at + 2]]);
  }

  const distance = (a, b) => (a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2 + (a[2] - b[2]) ** 2;

  function nearest(pixel, colours) {
    let best = 0;
    for (let each = 1; each < colours.length; each++)
      if (distance(pixel, colours[each]) < distance(pixel, colours[best])) best = each;
    return best;
  }

  /** The colours that stand for all: each new one is where the error is greatest, then k-means evens them out. */
  function palette(pixels) {
    const buckets = new Map();
    for (const pixel of pixels) {
      const key = pixel.map((part) => part >> 2).join(), bucket = buckets.get(key);
      if (bucket) bucket.weight++; else buckets.set(key, { pixel, weight: 1, far: Infinity });
    }
    const all = [...buckets.values()], colours = [all[0].pixel];
    while (colours.length < Math.min(COLOURS, all.length)) {
      for (const each of all) each.far = Math.min(each.far, distance(each.pixel, colours.at(-1)));
      const cost = (each) => each.far * Math.sqrt(each.weight);
      colours.push(all.reduce((worst, each) => (cost(each) > cost(worst) ? each : worst)).pixel);
    }
    for (let round = 0; round < ROUNDS; round++) {
      const sums = colours.map(() => [0, 0, 0, 0]);
      for (const { pixel, weight } of all) {
        const sum = sums[nearest(pixel, colours)];
        [...pixel, 1].forEach((part, at) => { sum[at] += part * weight; });
      }
      sums.forEach(([red, green, blue, weight], at) => { if (weight) colours[at] = [red / weight, green / weight, blue / weight]; });
    }
    return colours;
  }

  /** The index of each cell's colour, without the specks that a video's noise leaves. */
  function indexed(pixels, colours, columns, rows) {
    const raw = pixels.map((pixel) => nearest(pixel, colours));
    return raw.map((own, at) => {
      const x = at % columns, y = Math.floor(at / columns), votes = new Map();
      for (const [dx, dy] of AROUND) {
        if (x + dx < 0 || x + dx >= columns || y + dy < 0 || y + dy >= rows) continue;
        const other = raw[at + dy * columns + dx];
        votes.set(other, (votes.get(other) ?? 0) + 1);
      }
      const [winner, count] = [...votes].reduce((best, each) => (each[1] > best[1] ? each : best));
      return count >= MAJORITY ? winner : own;
    });
  }

  /** The colour at a column and a row; beyond the edge, that of the edge. */
  function colouring(pixels, columns, rows) {
    const colours = palette(pixels), cell = indexed(pixels, colours, columns, rows);
    const hex = colours.map((colour) => '#' + colour.map((part) => Math.round(part).toString(16).padStart(2, '0')).join(''));
    const inside = (value, count) => Math.min(Math.max(value, 0), count - 1);
    return (column, row) => hex[cell[inside(row, rows) * columns + inside(column, columns)]];
  }

  /** Rectangles of one colour, runs of a row that grow downwards while the same run follows, as one path for each colour. */
  function mosaic(at, columns, rows) {
    const paths = new Map();
    let open = new Map();
    const close = ({ x, y, width, height, fill }) =>
      paths.set(fill, `${paths.get(fill) ?? ''}M${x} ${y}h${width}v${height}h-${width}z`);
    for (let y = -MARGIN; y < rows + MARGIN; y++) {
      const next = new Map();
      for (let x = -MARGIN, end; x < columns + MARGIN; x = end) {
        const fill = at(x, y);
        for (end = x + 1; end < columns + MARGIN && at(end, y) === fill; end++);
        const key = `${x} ${end} ${fill}`, above = open.get(key);
        open.delete(key);
        next.set(key, above ? { ...above, height: above.height + 1 } : { x, y, width: end - x, height: 1, fill });
      }
      [...open.values()].forEach(close);
      open = next;
    }
    [...open.values()].forEach(close);
    return [...paths].map(([fill, d]) => element('path', { fill, d })).join('');
  }

  function picture(video, rect, style) {
    if (!video.videoWidth) throw new Error('a video shows nothing yet');
    const columns = COLUMNS, rows = Math.round(COLUMNS * rect.height / rect.width), clip = `clip-${definitions.length}`;
    const frame = video.closest('.tile'), { x, y, width, height } = frame.getBoundingClientRect();
    definitions.push(element('clipPath', { id: clip },
      element('rect', { x, y, width, height, rx: radius(getComputedStyle(frame), { width, height }) })));
    const place = `translate(${short(rect.x)} ${short(rect.y)}) scale(${rect.width / columns} ${rect.height / rows})`;
    return element('g', { class: 'picture', 'clip-path': `url(#${clip})` },
      element('g', { transform: place, filter: 'url(#soft)', 'shape-rendering': 'crispEdges' },
        mosaic(colouring(cells(video, style, columns, rows), columns, rows), columns, rows)));
  }

  function draw(node) {
    if (node.nodeType === Node.TEXT_NODE) return text(node);
    if (node.nodeType !== Node.ELEMENT_NODE) return '';
    const style = getComputedStyle(node), rect = node.getBoundingClientRect();
    if (style.display === 'none' || style.visibility === 'hidden' || (node !== document.body && rect.width < 2)) return '';
    if (node.localName === 'svg') return icon(node, rect, style);
    if (node.localName === 'video') return picture(node, rect, style);
    if (['img', 'canvas', 'input'].includes(node.localName)) throw new Error(`<${node.localName}> is not drawn`);
    return box(rect, style) + [...node.childNodes].map(draw).join('');
  }

  const [width, height] = [innerWidth, innerHeight];
  const ground = element('rect', { width, height, fill: colour(getComputedStyle(document.documentElement).backgroundColor).hex });
  const drawn = ground + draw(document.body);
  definitions.push(element('filter', { id: 'soft', x: '-5%', y: '-5%', width: '110%', height: '110%' },
    element('feGaussianBlur', { stdDeviation: '.6' })));
  return element('svg', { xmlns: 'http://www.w3.org/2000/svg', viewBox: `0 0 ${width} ${height}`, width, height, role: 'img' },
    element('title', {}, escaped(title)) + element('desc', {}, escaped(description)) + element('defs', {}, definitions.join('')) + drawn);
}
