// SPDX-License-Identifier: GPL-3.0-or-later
// The reference of the REST API: everything on the page comes from /v1/openapi.yaml, and reaches the DOM as text.

import { Description, pretty } from './openapi.js';
import { strings } from './strings.en.js';
import { parseYaml } from './yaml.js';

const SOURCE = '/v1/openapi.yaml';
const COPIED_MS = 1500;
const READABLE = 36; // characters of a pattern that still says something to a person
const words = strings.docs;

/** @typedef {import('./openapi.js').Operation} Operation */
/** @typedef {import('./openapi.js').Json} Json */

/** @param {string} id @returns {any} */
const $ = (id) => document.getElementById(id);

/** @type {Description} */
let api;

// --- small parts

/**
 * An element with attributes and children; strings become text.
 * @param {string} tag @param {Record<string, string>} [attributes] @param {...(Node | string)} children @returns {HTMLElement}
 */
function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** Text with `code` in it. @param {string} text @returns {(Node | string)[]} */
function inline(text) {
  return text.split(/(`[^`]+`|\*\*[^*]+\*\*)/).filter(Boolean).map((part) => {
    if (part.startsWith('`')) return el('code', {}, part.slice(1, -1));
    return part.startsWith('**') ? el('strong', {}, part.slice(2, -2)) : part;
  });
}

/** Paragraphs, lists and headings. @param {string} [text] @returns {HTMLElement[]} */
function prose(text = '') {
  return text.trim().split(/\n\s*\n/).filter(Boolean).map((part) => {
    if (part.startsWith('## ')) return el('h3', { id: slug(part.slice(3)) }, part.slice(3));
    if (!part.startsWith('- ')) return el('p', {}, ...inline(part.replace(/\s*\n\s*/g, ' ')));
    const items = part.slice(2).split(/\n- /).map((item) => el('li', {}, ...inline(item.replace(/\s*\n\s*/g, ' '))));
    return el('ul', { class: 'points' }, ...items);
  });
}

/** @param {string} text */
function slug(text) {
  return text.toLowerCase().replace(/[^a-z0-9]+/g, '-').replace(/^-|-$/g, '');
}

/** @param {string} method */
function badge(method) {
  return el('span', { class: 'method', 'data-method': method }, method);
}

/** A path whose holes stand out, and which may break behind its slashes. @param {string} path */
function pathOf(path) {
  const parts = path.split(/(\{\w+\}|\/)/).filter(Boolean);
  return el('span', { class: 'path' }, ...parts.flatMap((part) => {
    if (part === '/') return ['/', el('wbr')];
    return [part.startsWith('{') ? el('span', { class: 'hole' }, part) : part];
  }));
}

// --- code

/** JSON, its parts marked for their colours; other texts as they are. @param {string} text @returns {(Node | string)[]} */
function coloured(text) {
  if (!/^[{[]/.test(text)) return [text];
  return text.split(/("(?:[^"\\]|\\.)*"(?:\s*:)?|-?\b\d[\d.]*\b|\b(?:true|false|null)\b)/).filter(Boolean).map((part) => {
    if (/^".*:$/s.test(part)) return el('span', { class: 'name' }, part);
    if (part.startsWith('"')) return el('span', { class: 'text' }, shortened(part));
    return /^(-?\d|true$|false$|null$)/.test(part) ? el('span', { class: 'value' }, part) : part;
  });
}

/** @param {string} text */
function shortened(text) {
  return text.replace(/eyJ[\w-]{12,}\.[\w-]{12,}\.[\w-]+/g, (token) => `${token.slice(0, 8)}…${token.slice(-6)}`);
}

/**
 * A block of code that can be copied; of several, one is chosen. What is copied is whole, also where it is shown short.
 * @param {string} title @param {{summary: string, text: string}[]} variants @returns {HTMLElement}
 */
function code(title, variants) {
  const copy = el('button', { type: 'button', class: 'copy' }, words.copy);
  const body = el('pre', { tabindex: '0' });
  const choice = /** @type {HTMLSelectElement} */ (el('select', { 'aria-label': words.choose(title) },
    ...variants.map(({ summary }, i) => el('option', { value: String(i) }, summary))));
  const chosen = () => variants[variants.length > 1 ? Number(choice.value) : 0];
  const show = () => {
    body.replaceChildren(el('code', {}, ...coloured(chosen().text)));
    body.setAttribute('aria-label', `${title} ${chosen().summary}`.trim());
  };
  copy.setAttribute('aria-label', words.copyWhat(title));
  copy.addEventListener('click', () => copyText(chosen().text, copy, body));
  choice.addEventListener('change', show);
  show();
  const said = el('span', { class: 'said' }, el('span', { class: 'title' }, title), ...(variants.length > 1 ? [choice] : [variants[0].summary]));
  return el('figure', { class: 'code' }, el('figcaption', {}, said, copy), body);
}

/** @param {string} text @param {HTMLElement} button @param {HTMLElement} body */
async function copyText(text, button, body) {
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = words.copied;
    $('live').textContent = words.copied;
  } catch { // without HTTPS there is no clipboard: then ready to be copied by hand
    getSelection()?.selectAllChildren(body);
    button.textContent = words.selected;
    $('live').textContent = words.selected;
  }
  setTimeout(() => { button.textContent = words.copy; }, COPIED_MS);
}

/** Examples as one block of code, or none. @param {string} title @param {{summary: string, value: any}[]} examples @returns {HTMLElement[]} */
function shown(title, examples) {
  const variants = examples.map(({ summary, value }) => ({ summary, text: typeof value === 'string' ? value.trimEnd() : pretty(value) }));
  return variants.length > 0 ? [code(title, variants)] : [];
}

// --- tables

/** What a member means, its bounds and its own members. @param {Json} schema @param {boolean} answered @param {string} [said] @returns {HTMLElement} */
function meaning(schema, answered, said) {
  const { description, pattern } = api.resolve(schema);
  const bounds = api.boundsOf(schema);
  const cell = el('td', { class: 'meaning' }, ...prose(said ?? description));
  if (bounds.length > 0) cell.append(el('p', { class: 'bounds' }, bounds.join(' · ')));
  if (pattern && pattern.length <= READABLE) cell.append(el('p', { class: 'bounds' }, el('code', {}, pattern)));
  const members = api.membersOf(schema);
  if (members.length > 0) cell.append(el('details', { class: 'members' }, el('summary', {}, words.members(members.length)), table(members, answered)));
  return cell;
}

/**
 * What is sent says what must be there; what is answered, what may be missing.
 * @param {{name: string, required: boolean, schema: Json, said?: string}[]} members @param {boolean} [answered] @returns {HTMLElement}
 */
function table(members, answered = false) {
  const rows = members.map(({ name, required, schema, said }) => {
    const named = el('th', { scope: 'row' }, el('code', {}, name));
    if (required && !answered) named.append(' ', el('span', { class: 'required' }, words.required));
    if (!required && answered) named.append(' ', el('span', { class: 'optional' }, words.optional));
    return el('tr', {}, named, el('td', { class: 'type' }, api.typeOf(schema)), meaning(schema, answered, said));
  });
  const heads = [words.name, words.type, words.meaning].map((text) => el('th', { scope: 'col' }, text));
  return el('table', { class: 'members-table' }, el('thead', {}, el('tr', {}, ...heads)), el('tbody', {}, ...rows));
}

// --- one operation

/** Who may call it. @param {Operation} one @returns {HTMLElement} */
function access(one) {
  const ways = api.credentials(one);
  const open = one.operation.security.some((/** @type {Json} */ way) => Object.keys(way).length === 0);
  if (ways.length === 0) return el('p', { class: 'access' }, el('span', { class: 'chip' }, words.open));
  const chips = [...new Set(ways.map((/** @type {any} */ way) => words.credential[way.name]))].map((text) => el('span', { class: 'chip' }, text));
  const scopes = [...new Set(ways.flatMap((/** @type {any} */ way) => way.scopes))].map((scope) => el('code', { class: 'chip scope' }, scope));
  return el('p', { class: 'access' }, ...chips, ...scopes, ...(open ? [el('span', { class: 'chip' }, words.orNone)] : []));
}

/** @param {Operation} one @returns {HTMLElement[]} */
function parameters(one) {
  return ['path', 'query', 'header'].flatMap((place) => {
    const members = one.parameters.filter((parameter) => parameter.in === place)
      .map(({ name, required = false, schema, description }) => ({ name, required, schema, said: description }));
    return members.length > 0 ? [el('h4', {}, words.parameters[place]), table(members)] : [];
  });
}

/** @param {Operation} one @returns {HTMLElement[]} */
function requestBody({ operation: { requestBody: body } }) {
  if (!body) return [];
  const { schema } = body.content['application/json'];
  return [el('h4', {}, words.body), ...prose(body.description), table(api.membersOf(schema))];
}

/** @param {string} status @param {Json} response @returns {HTMLElement} */
function success(status, response) {
  const part = el('section', { class: 'answer' }, el('h4', {}, el('span', { class: 'status', 'data-kind': status[0] }, status), ' ', ...inline(response.description)));
  const headers = Object.entries(response.headers ?? {}).filter(([name]) => name !== 'X-Request-Id')
    .map(([name, header]) => ({ name, required: true, schema: api.resolve(header).schema, said: api.resolve(header).description }));
  for (const [type, media] of Object.entries(response.content ?? {})) {
    const members = api.membersOf(media.schema);
    part.append(el('p', { class: 'quiet small' }, type));
    if (members.length > 0) part.append(table(members, true));
  }
  if (headers.length > 0) part.append(el('h5', {}, words.headers), table(headers, true));
  return part;
}

/** An error, its examples only once they are asked for: a page has hundreds. @param {string} status @param {Json} response @returns {HTMLElement} */
function failure(status, response) {
  const codes = api.codes(response).map((name) => el('a', { class: 'error-code', href: `#error-${name}` }, name));
  const details = el('details', { class: 'failure' },
    el('summary', {}, el('span', { class: 'status', 'data-kind': status[0] }, status), el('span', {}, ...inline(response.description))),
    el('p', { class: 'codes' }, ...codes));
  details.addEventListener('toggle', () => details.append(...shown(status, api.examples(response.content?.['application/json']))), { once: true });
  return details;
}

/** @param {Operation} one @returns {HTMLElement} */
function operation(one) {
  const { operation: { summary, description, requestBody: body, responses } } = one;
  const answers = Object.entries(responses).map(([status, response]) => ({ status, response: api.resolve(response) }));
  const good = answers.filter(({ status }) => status < '4');
  const bad = answers.filter(({ status }) => status >= '4');
  const sent = shown(words.request, api.examples(body?.content['application/json']));
  const answered = good.flatMap(({ status, response }) => Object.values(response.content ?? {}).flatMap((media) => shown(status, api.examples(media))));
  return el('article', { id: one.id, class: 'operation', 'data-route': `${one.method} ${one.path}`, 'aria-labelledby': `${one.id}-title` },
    el('div', { class: 'says' },
      el('h3', { id: `${one.id}-title` }, el('a', { class: 'anchor', href: `#${one.id}` }, summary)),
      el('p', { class: 'route' }, badge(one.method), pathOf(one.path)),
      access(one), ...prose(description), ...parameters(one), ...requestBody(one),
      ...good.map(({ status, response }) => success(status, response)),
      el('h4', {}, words.errors), el('div', { class: 'failures' }, ...bad.map(({ status, response }) => failure(status, response)))),
    el('div', { class: 'shows' }, code(words.curl, [{ summary: '', text: api.curl(one, location.origin) }]), ...sent, ...answered));
}

// --- the page

/** @returns {HTMLElement} */
function introduction() {
  return el('section', { id: 'introduction', class: 'introduction' }, el('h1', {}, words.title), el('p', { class: 'lead' }, api.info.summary),
    ...prose(api.info.description));
}

/** @returns {HTMLElement} */
function errors() {
  const heads = [words.code, words.status, words.meaning].map((text) => el('th', { scope: 'col' }, text));
  const rows = api.errors.map(({ code: name, status, meaning: said }) => el('tr', { id: `error-${name}` },
    el('th', { scope: 'row' }, el('code', {}, name)), el('td', { class: 'type' }, String(status)), el('td', { class: 'meaning' }, ...prose(said))));
  return el('section', { id: 'error-codes' }, el('h2', {}, words.errorCodes),
    el('table', { class: 'members-table' }, el('thead', {}, el('tr', {}, ...heads)), el('tbody', {}, ...rows)));
}

/** @param {Json} tag @returns {HTMLElement} */
function group({ name, description }) {
  return el('section', { id: `tag-${slug(name)}`, class: 'group' }, el('header', {}, el('h2', {}, name), ...prose(description)),
    ...api.operations.filter(({ tag }) => tag === name).map(operation));
}

/** @param {string} href @param {...(Node | string)} children @returns {HTMLElement} */
function entry(href, ...children) {
  return el('li', {}, el('a', { href }, ...children));
}

/** @returns {HTMLElement[]} */
function contents() {
  const headings = [...api.info.description.matchAll(/^## (.+)$/gm)].map(([, text]) => entry(`#${slug(text)}`, text));
  const start = el('section', {}, el('h2', {}, words.start), el('ul', {}, entry('#introduction', words.overview), ...headings, entry('#error-codes', words.errorCodes)));
  return [start, ...api.tags.map(({ name }) => el('section', {}, el('h2', {}, name),
    el('ul', {}, ...api.operations.filter(({ tag }) => tag === name).map((one) => {
      const item = entry(`#${one.id}`, badge(one.method), el('span', {}, one.operation.summary));
      item.dataset.search = `${one.method} ${one.path} ${one.operation.summary} ${one.id}`.toLowerCase();
      return item;
    }))))];
}

/** Show the routes with all these words alone. @param {string} text */
function find(text) {
  const wanted = text.toLowerCase().split(/\s+/).filter(Boolean);
  let found = 0;
  for (const part of $('contents-list').children) {
    let some = false;
    for (const item of part.querySelectorAll('li')) {
      item.hidden = !wanted.every((word) => (item.dataset.search ?? item.textContent.toLowerCase()).includes(word));
      if (!item.hidden) some = true;
      found += item.hidden ? 0 : 1;
    }
    part.hidden = !some;
  }
  $('nothing').textContent = found === 0 ? words.nothing : '';
}

/** @param {boolean} open */
function openMenu(open) {
  $('menu').setAttribute('aria-expanded', String(open));
  document.body.toggleAttribute('data-menu', open);
}

/** The entry of what is being read is marked. */
function follow() {
  const links = new Map([...$('contents-list').querySelectorAll('a')].map((link) => [link.hash.slice(1), link]));
  const watch = new IntersectionObserver((seen) => {
    for (const { target, isIntersecting } of seen) {
      if (!isIntersecting) continue;
      $('contents-list').querySelector('[aria-current]')?.removeAttribute('aria-current');
      links.get(target.id)?.setAttribute('aria-current', 'true');
      if (!$('contents').matches(':hover, :focus-within')) links.get(target.id)?.scrollIntoView({ block: 'nearest' });
    }
  }, { rootMargin: '-15% 0px -75% 0px' });
  for (const id of links.keys()) if ($(id)) watch.observe($(id));
}

function goToHash() {
  try {
    if (location.hash) $(decodeURIComponent(location.hash.slice(1)))?.scrollIntoView();
  } catch { /* what is no text leads nowhere */ }
}

/** @param {string} text */
function show(text) {
  api = new Description(parseYaml(text));
  $('version').textContent = words.version(api.info.version);
  $('contents-list').replaceChildren(...contents());
  $('reference').replaceChildren(introduction(), ...api.tags.map(group), errors());
  document.body.dataset.state = 'ready';
  follow();
  goToHash();
}

$('menu').addEventListener('click', () => openMenu(!document.body.hasAttribute('data-menu')));
$('contents').addEventListener('click', (/** @type {Event} */ event) => {
  if (event.target instanceof Element && event.target.closest('a')) openMenu(false);
});
$('find').addEventListener('input', () => find($('find').value));
addEventListener('keydown', (event) => {
  if (event.key === 'Escape') openMenu(false);
  if (event.key !== '/' || event.ctrlKey || event.metaKey || event.altKey || document.activeElement instanceof HTMLInputElement) return;
  event.preventDefault();
  openMenu(true);
  $('find').focus();
});

try {
  const answer = await fetch(SOURCE);
  if (!answer.ok) throw new Error(`${SOURCE}: ${answer.status}`);
  show(await answer.text());
} catch (error) {
  document.body.dataset.state = 'error';
  $('message').textContent = words.failed(/** @type {Error} */ (error).message);
}
