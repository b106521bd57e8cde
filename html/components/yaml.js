// SPDX-License-Identifier: GPL-3.0-or-later
// Reads the subset of YAML that transports/openapi.yaml is written in: block maps and lists, plain, quoted, literal and folded scalars, and
// JSON wherever a bracket or a brace opens. Whatever else there is in YAML, and whatever two readers of YAML might take for two things, is
// an error that names its line.

const INTEGER = /^-?(0|[1-9][0-9]*)$/;
const FRACTION = /^-?(0|[1-9][0-9]*)\.[0-9]+$/;
const CONSTANTS = new Map(/** @type {[string, unknown][]} */ ([['null', null], ['true', true], ['false', false]]));

/** Plain texts that YAML 1.1, YAML 1.2 and JSON do not read alike. */
const UNCLEAR = [
  /^(~|y|n|yes|no|on|off|true|false|null|=|<<|[-+]?\.(inf|nan))$/i,
  /^[-+]?[0-9_]+(:[0-5]?[0-9])+(\.[0-9_]*)?$/,
  /^[-+]?(0x[0-9a-f_]+|0o[0-7_]+|0b[01_]+)$/i,
  /^[-+]?\.?[0-9][0-9_]*\.?[0-9_]*(e[-+]?[0-9]+)?$/i,
  /^[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}/,
];

/** What a plain scalar may not begin with, and why. @type {[RegExp, string][]} */
const FOREIGN = [
  [/^[&*]/, 'anchors and aliases are not read here'],
  [/^!/, 'tags are not read here'],
  [/^[?:-]( |$)/, 'this is not read here: write a plain map or list'],
  [/^[,\]}#|>%@`]/, 'quote a text that begins like this'],
];

export class YamlError extends SyntaxError {
  /** @param {number} line counted from 1 @param {string} message */
  constructor(line, message) {
    super(`line ${line}: ${message}`);
    this.name = 'YamlError';
    this.line = line;
  }
}

/**
 * @param {string} text
 * @returns {any} the one document in it
 * @throws {YamlError}
 */
export function parseYaml(text) {
  return new Reader(text).document();
}

/** @typedef {{indent: number, text: string}} Line */

class Reader {
  /** @type {string[]} */
  #lines;
  #at = 0; // the line to read next

  /** @param {string} text */
  constructor(text) {
    this.#lines = text.split('\n');
    this.#lines.forEach((line, i) => {
      if (/[\t\r]/.test(line)) throw new YamlError(i + 1, 'a tab or a carriage return: indent with spaces, end lines with a line feed');
      if (/^(---|\.\.\.|%)/.test(line)) throw new YamlError(i + 1, 'there is one document, without directives');
    });
  }

  document() {
    const first = this.#peek();
    if (!first) throw new YamlError(1, 'there is nothing here');
    const value = this.#block(first.indent);
    if (this.#peek()) throw this.#error('this is indented less than what it belongs to');
    return value;
  }

  /** @param {string} message @returns {YamlError} about the line to read next */
  #error(message) {
    return new YamlError(this.#at + 1, message);
  }

  /** The next line that says something. @returns {Line | null} */
  #peek() {
    while (this.#at < this.#lines.length) {
      const line = this.#lines[this.#at];
      const text = line.trimStart();
      if (text !== '' && !text.startsWith('#')) return { indent: line.length - text.length, text: text.trimEnd() };
      this.#at += 1;
    }
    return null;
  }

  /** @param {number} indent @returns {any} */
  #block(indent) {
    const { text } = /** @type {Line} */ (this.#peek());
    if (isItem(text)) return this.#list(indent);
    if (/^[[{]/.test(text)) return this.#json(indent);
    return this.#map(indent);
  }

  /** @param {number} indent @returns {any[]} */
  #list(indent) {
    const list = [];
    for (let line = this.#peek(); line && line.indent === indent && isItem(line.text); line = this.#peek()) {
      const rest = line.text.slice(1).trimStart();
      if (rest !== '' && !line.text.startsWith(`- ${rest}`)) throw this.#error('write one space behind a dash');
      if (rest !== '' && (isItem(rest) || this.#key(rest))) { // a block of its own, that begins behind the dash
        this.#lines[this.#at] = `${' '.repeat(indent + 2)}${rest}`;
        list.push(this.#block(indent + 2));
      } else {
        list.push(this.#value(rest, indent));
      }
    }
    this.#end(indent);
    return list;
  }

  /** @param {number} indent @returns {Record<string, any>} */
  #map(indent) {
    /** @type {Record<string, any>} */
    const map = {};
    for (let line = this.#peek(); line && line.indent === indent && !isItem(line.text); line = this.#peek()) {
      const entry = this.#key(line.text);
      if (!entry) throw this.#error('a key is expected here, with a colon and its value');
      if (entry.key === '__proto__') throw this.#error('no key may have this name');
      if (Object.hasOwn(map, entry.key)) throw this.#error(`the key ${JSON.stringify(entry.key)} is here already`);
      map[entry.key] = this.#value(entry.rest, indent);
    }
    this.#end(indent);
    return map;
  }

  /** Nothing of a block that is over may follow. @param {number} indent */
  #end(indent) {
    const line = this.#peek();
    if (line && line.indent > indent) throw this.#error('this is indented more than its neighbours');
    if (line && line.indent === indent) throw this.#error('a list and a map cannot stand side by side');
  }

  /** "key: rest", or null if it is none. @param {string} text @returns {{key: string, rest: string} | null} */
  #key(text) {
    const quoted = /^("(?:[^"\\]|\\.)*"|'(?:[^']|'')*')(?=:( |$))/.exec(text);
    const plain = quoted ? null : /^([^"'[{].*?)(?=:( |$))/.exec(text);
    const found = quoted ?? plain;
    if (!found) return null;
    const key = quoted ? this.#quoted(found[1]) : this.#plain(found[1]);
    if (typeof key !== 'string') throw this.#error(`quote the key ${found[1]}`);
    return { key, rest: text.slice(found[1].length + 1).trim() };
  }

  /** What stands behind a key or a dash, on the current line and below it. @param {string} rest @param {number} indent @returns {any} */
  #value(rest, indent) {
    if (rest === '') return this.#below(indent);
    if (/^[|>]/.test(rest)) return this.#text(rest, indent);
    if (/^[[{]/.test(rest)) {
      const width = this.#lines[this.#at].trimEnd().length - rest.length;
      this.#lines[this.#at] = `${' '.repeat(width)}${rest}`; // JSON.parse needs nothing of what stands before it
      return this.#json(indent + 1);
    }
    const value = /^["']/.test(rest) ? this.#quoted(rest) : this.#plain(rest);
    this.#at += 1;
    return value;
  }

  /** @param {number} indent @returns {any} */
  #below(indent) {
    const from = this.#at;
    this.#at += 1;
    const next = this.#peek();
    if (next && next.indent > indent) return this.#block(next.indent);
    this.#at = from;
    throw this.#error('there is no value: write null if you mean that');
  }

  /** JSON, over as many lines as its brackets are open. @param {number} indent what its lines have at least @returns {any} */
  #json(indent) {
    const from = this.#at;
    let depth = 0;
    let inside = false; // a string
    for (; this.#at < this.#lines.length; this.#at += 1) {
      const line = this.#lines[this.#at];
      if (line.trim() !== '' && line.length - line.trimStart().length < indent) break;
      for (const [part] of line.matchAll(/\\.|["[\]{}]/g)) {
        if (part === '"') inside = !inside;
        else if (!inside && /[[{]/.test(part)) depth += 1;
        else if (!inside && /[\]}]/.test(part)) depth -= 1;
      }
      if (depth <= 0) break;
    }
    if (depth !== 0) throw new YamlError(from + 1, 'what opens here does not close');
    this.#at += 1;
    try {
      return JSON.parse(this.#lines.slice(from, this.#at).join('\n'));
    } catch (error) {
      throw new YamlError(from + 1, `what opens with a bracket or a brace must be JSON: ${/** @type {Error} */ (error).message}`);
    }
  }

  /** A literal or folded text. @param {string} header @param {number} indent @returns {string} */
  #text(header, indent) {
    if (!/^[|>]-?$/.test(header)) throw this.#error('write |, |-, > or >- alone');
    const lines = [];
    let own = -1; // its indent: that of its first line
    for (this.#at += 1; this.#at < this.#lines.length; this.#at += 1) {
      const line = this.#lines[this.#at];
      const here = line.length - line.trimStart().length;
      if (line.trim() === '') {
        lines.push('');
        continue;
      }
      if (here <= indent) break;
      if (own < 0) own = here;
      if (here < own) throw this.#error('this is indented less than the text that it belongs to');
      lines.push(line.slice(own));
    }
    while (lines.length > 0 && lines[lines.length - 1] === '') lines.pop();
    const text = header.startsWith('|') ? lines.join('\n') : folded(lines);
    return text === '' || header.endsWith('-') ? text : `${text}\n`;
  }

  /** @param {string} text @returns {string} */
  #quoted(text) {
    if (/^'(?:[^']|'')*'$/.test(text)) return text.slice(1, -1).replaceAll("''", "'");
    try {
      if (text.startsWith('"')) return JSON.parse(text);
    } catch { /* said below */ }
    throw this.#error('a quoted text ends on its line, with nothing behind it, and is escaped as in JSON');
  }

  /** @param {string} text @returns {any} */
  #plain(text) {
    for (const [pattern, why] of FOREIGN) if (pattern.test(text)) throw this.#error(why);
    if (/: |:$| #/.test(text)) throw this.#error('quote a text with a colon or a comment in it');
    if (CONSTANTS.has(text)) return CONSTANTS.get(text);
    if (INTEGER.test(text) || FRACTION.test(text)) return Number(text);
    if (UNCLEAR.some((pattern) => pattern.test(text))) throw this.#error(`quote ${text}: not everybody reads it alike`);
    return text;
  }
}

/** @param {string} text */
function isItem(text) {
  return text === '-' || text.startsWith('- ');
}

/** Lines become one, but for empty lines and those that are indented further (YAML 1.2.2, 8.1.3). @param {string[]} lines */
function folded(lines) {
  let text = '';
  let before = null; // the last line that was not empty
  let empty = 0;
  for (const line of lines) {
    if (line === '') {
      empty += 1;
      continue;
    }
    const kept = before === null || before.startsWith(' ') || line.startsWith(' ');
    const breaks = before === null ? empty : kept ? empty + 1 : empty;
    text += `${breaks > 0 ? '\n'.repeat(breaks) : before === null ? '' : ' '}${line}`;
    before = line;
    empty = 0;
  }
  return text;
}
