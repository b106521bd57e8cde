// SPDX-License-Identifier: GPL-3.0-or-later
// What a description of an API says, for a page that shows it: operations, types in words, a command line. Knows no DOM.

/** @typedef {Record<string, any>} Json */
/** @typedef {{method: string, path: string, id: string, tag: string, operation: Json, parameters: Json[]}} Operation */

const METHODS = ['get', 'post', 'put', 'patch', 'delete'];
const LONG = 78; // characters: what is shorter stays on its line

export class Description {
  #document;

  /** @param {Json} document an OpenAPI 3.1 description, all in one */
  constructor(document) {
    this.#document = document;
    this.info = document.info;
    /** @type {Json[]} */
    this.tags = document.tags;
    /** @type {Operation[]} */
    this.operations = Object.entries(document.paths).flatMap(([path, item]) => Object.keys(item).filter((key) => METHODS.includes(key)).map((method) => ({
      method: method.toUpperCase(),
      path,
      id: item[method].operationId,
      tag: item[method].tags[0],
      operation: item[method],
      parameters: [...(item.parameters ?? []), ...(item[method].parameters ?? [])].map((one) => this.resolve(one)),
    })));
  }

  /** Code, status and meaning of every error. @returns {{code: string, status: number, meaning: string}[]} */
  get errors() {
    return Object.entries(this.#document.components.schemas.ErrorCode['x-errors']).map(([code, { status, meaning }]) => ({ code, status, meaning }));
  }

  /** The node that a reference leads to, with what stands beside the reference laid over it. @param {Json} node @returns {Json} */
  resolve(node) {
    if (typeof node?.$ref !== 'string') return node;
    const { $ref, ...beside } = node;
    const target = this.resolve($ref.slice(2).split('/').reduce((/** @type {any} */ at, /** @type {string} */ name) => at[name], this.#document));
    const merged = { ...target, ...beside };
    if (target.properties && beside.properties) merged.properties = { ...target.properties, ...beside.properties };
    if (target.required && beside.required) merged.required = [...target.required, ...beside.required];
    return merged;
  }

  /** Examples of a media type, resolved. @param {Json} media @returns {{summary: string, value: any}[]} */
  examples(media) {
    return Object.values(media?.examples ?? {}).map((one) => /** @type {any} */ (this.resolve(one)));
  }

  /** Codes that an error response may carry. @param {Json} response @returns {string[]} */
  codes(response) {
    const code = response.content?.['application/json']?.schema?.properties?.code;
    return code?.enum ?? (code?.const ? [code.const] : []);
  }

  /** A schema's type in words. @param {Json} given @returns {string} */
  typeOf(given) {
    const schema = this.resolve(given);
    if (schema.anyOf) return schema.anyOf.map((/** @type {Json} */ one) => this.typeOf(one)).join(' or ');
    if (schema.const !== undefined) return JSON.stringify(schema.const);
    if (schema.enum) return schema.enum.map((/** @type {any} */ one) => JSON.stringify(one)).join(' or ');
    if (schema.type === 'array') return `array of ${plural(this.typeOf(schema.items))}`;
    const types = [schema.type].flat().filter(Boolean).map((type) => (type === 'string' && schema.format === 'date-time' ? 'time' : type));
    return types.join(' or ') || 'anything';
  }

  /** The bounds of a value, each in words. @param {Json} given @returns {string[]} */
  boundsOf(given) {
    const schema = this.resolve(given);
    const bounds = [];
    if (schema.minimum !== undefined && schema.maximum !== undefined) bounds.push(`${schema.minimum} to ${schema.maximum}`);
    else if (schema.minimum !== undefined) bounds.push(`at least ${schema.minimum}`);
    else if (schema.maximum !== undefined) bounds.push(`at most ${schema.maximum}`);
    if (schema.minLength && schema.maxLength) bounds.push(`${schema.minLength} to ${schema.maxLength} characters`);
    else if (schema.maxLength) bounds.push(`at most ${schema.maxLength} characters`);
    else if (schema.minLength === 1) bounds.push('not empty');
    if (schema.minItems) bounds.push(`at least ${schema.minItems}`);
    if (schema.uniqueItems) bounds.push('none twice');
    if (schema.default !== undefined) bounds.push(`${JSON.stringify(schema.default)} if left out`);
    return bounds;
  }

  /** The members of an object, or of the objects of an array. @param {Json} given @returns {{name: string, required: boolean, schema: Json}[]} */
  membersOf(given) {
    const schema = this.resolve(given);
    if (schema.type === 'array') return this.membersOf(schema.items);
    return Object.entries(schema.properties ?? {}).map(([name, member]) => ({ name, required: (schema.required ?? []).includes(name), schema: member }));
  }

  /** Ways to show who one is: each a scheme and its scopes; none is needed when the list is empty. @param {Operation} operation */
  credentials({ operation }) {
    return operation.security.flatMap((/** @type {Json} */ way) => Object.entries(way).map(([name, scopes]) => ({ name, scopes })));
  }

  /** The operation as a command line, for the server at `origin`. @param {Operation} operation @param {string} origin @returns {string} */
  curl(operation, origin) {
    const credentials = this.credentials(operation);
    const uses = (/** @type {string} */ name) => credentials.some((/** @type {any} */ one) => one.name === name);
    const query = operation.parameters.filter((one) => one.in === 'query' && one.required).map((one) => `${one.name}=${encodeURIComponent(one.example)}`);
    if (uses('legacyToken') && !uses('token')) query.push('token=$TOKEN');
    const path = operation.path.replace(/\{(\w+)\}/g, (_, name) => operation.parameters.find((one) => one.in === 'path' && one.name === name)?.example);
    const url = `${origin}${path}${query.length > 0 ? `?${query.join('&')}` : ''}`;
    const begin = `curl${operation.method === 'GET' ? '' : ` -X ${operation.method}`}`;
    const where = /[&?$]/.test(url) ? `"${url}"` : url;
    const words = begin.length + where.length < LONG - 20 ? [`${begin} ${where}`] : [begin, where];
    if (uses('apiKey')) words.push('-H "Authorization: Bearer $OTTER_KEY"');
    else if (uses('token')) words.push('-H "Authorization: Bearer $TOKEN"');
    const [example] = this.examples(operation.operation.requestBody?.content['application/json']);
    if (example) words.push("-H 'Content-Type: application/json'", `-d ${quoted(JSON.stringify(example.value))}`);
    return words.join(' \\\n     ');
  }
}

/** JSON for people: what is short stays on its line. @param {any} value @param {string} [indent] @returns {string} */
export function pretty(value, indent = '') {
  const flat = JSON.stringify(value).replace(/("(?:[^"\\]|\\.)*")|([,:])/g, (_, text, mark) => text ?? `${mark} `);
  if (value === null || typeof value !== 'object' || (indent !== '' && flat.length + indent.length <= LONG)) return flat;
  const inner = `${indent}  `;
  const parts = Array.isArray(value) ? value.map((one) => pretty(one, inner))
    : Object.entries(value).map(([name, one]) => `${JSON.stringify(name)}: ${pretty(one, inner)}`);
  const [open, close] = Array.isArray(value) ? '[]' : '{}';
  return parts.length === 0 ? open + close : `${open}\n${parts.map((part) => inner + part).join(',\n')}\n${indent}${close}`;
}

/** @param {string} word */
function plural(word) {
  return /^(string|object|integer|boolean)$/.test(word) ? `${word}s` : word;
}

/** As one word of a POSIX shell. @param {string} text */
function quoted(text) {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
