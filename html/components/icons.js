// SPDX-License-Identifier: GPL-3.0-or-later
// Our own icons, drawn on a grid of 24, in the colour of the text beside them.

const SVG = 'http://www.w3.org/2000/svg';

/** @type {Record<string, string[]>} */
const PATHS = {
  mic: ['M12 3.5a3 3 0 0 1 3 3v5a3 3 0 0 1-6 0v-5a3 3 0 0 1 3-3z', 'M6 11.5a6 6 0 0 0 12 0', 'M12 17.5v3'],
  'mic-off': ['M9 9.2v2.3a3 3 0 0 0 4.6 2.5', 'M15 11V6.5a3 3 0 0 0-5.8-1', 'M6 11.5a6 6 0 0 0 9.3 5', 'M18 11.5a6 6 0 0 1-.6 2.6', 'M12 17.5v3', 'M4 4l16 16'],
  camera: ['M5.5 7h7.5a2 2 0 0 1 2 2v6a2 2 0 0 1-2 2H5.500a2 2 0 0 1-2-2V9a2 2 0 0 1 2-2z', 'M15 11.200l5.5-3v7.600l-5.5-3'],
  'camera-off': ['M8.5 7H13a2 2 0 0 1 2 2v4.5', 'M14.5 16.300A2 2 0 0 1 13 17H5.500a2 2 0 0 1-2-2V9a2 2 0 0 1 1.2-1.8', 'M15 11.200l5.5-3v7.600l-3-1.6', 'M4 4l16 16'],
  leave: ['M3.6 14.600c-.8-1-.8-2.4.1-3.3 4.6-4.4 12-4.4 16.6 0 .9.9.9 2.3.1 3.300l-.5.6c-.4.5-1.1.6-1.6.3l-2.3-1.300c-.5-.3-.8-.8-.7-1.400l.1-1.300a10 10 0 0 0-6.8 0l.1 1.300c.1.6-.2 1.1-.7 1.400l-2.3 1.300c-.5.3-1.2.2-1.6-.3z'],
};

/**
 * @param {string} name
 * @returns {SVGSVGElement}
 */
export function icon(name) {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('viewBox', '0 0 24 24');
  svg.setAttribute('class', 'icon');
  svg.setAttribute('aria-hidden', 'true');
  for (const d of PATHS[name]) {
    const path = document.createElementNS(SVG, 'path');
    path.setAttribute('d', d);
    svg.append(path);
  }
  return svg;
}
