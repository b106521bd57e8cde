// SPDX-License-Identifier: GPL-3.0-or-later
// Every word that the scripts of the pages say; the words that never change stand in the HTML.

export const strings = Object.freeze({
  product: 'Otter',
  guest: 'Guest',
  you: 'You',
  /** @param {string} name */
  self: (name) => (name ? `${name} (you)` : 'You'),

  lobby: {
    join: 'Join',
    joining: 'Joining…',
    title: 'Ready to join?',
    /** @param {string} room */
    titleOf: (room) => `Join “${room}”`,
  },

  waiting: {
    text: 'You are at the door. Somebody inside will let you in.',
  },

  /** For a host: somebody waits before the door. */
  knock: {
    /** @param {string} name */
    waits: (name) => `${name} would like to join.`,
    admit: 'Let in',
    deny: 'Not now',
    gone: 'They wait no more: another host has decided, or they have left.',
  },

  controls: {
    micOn: 'Mute microphone',
    micOff: 'Unmute microphone',
    cameraOn: 'Turn camera off',
    cameraOff: 'Turn camera on',
    leave: 'Leave the call',
  },

  call: {
    connecting: 'Connecting…',
    alone: 'Nobody else is here yet. The call begins as soon as somebody comes.',
    reconnecting: 'The connection to the server is lost. Reconnecting…',
    back: 'Connected again.',
    soundBlocked: 'Your browser holds the sound back.',
    soundOn: 'Turn sound on',
    muted: 'microphone off',
    /** @param {string} name */
    joined: (name) => `${name} has joined.`,
    /** @param {string} name @param {string} reason */
    left: (name, reason) => (reason === 'timeout' ? `${name} has lost the connection.` : `${name} has left.`),
  },

  /** What a tile says about the connection to somebody. @type {Record<string, string>} */
  peer: {
    connecting: 'Connecting…',
    connected: '',
    reconnecting: 'Reconnecting…',
    failed: 'No connection. Still trying…',
    closed: '',
  },
  /** Over somebody whose way to the server is lost, though one hears and sees them. */
  unreachable: 'Away from the server. The call goes on.',

  /** Notices inside the call, by error code and by what is missing: it goes on without. @type {Record<string, Record<'both' | 'mic' | 'camera', string>>} */
  device: {
    no_camera: {
      both: 'No camera or microphone was found, or another program is using them. You can see and hear the others.',
      camera: 'No camera was found, or another program is using it. The call goes on without.',
      mic: 'No microphone was found, or another program is using it. The call goes on without.',
    },
    permission_denied: {
      both: 'The browser was not allowed to use your camera and microphone. Allow them at the address bar, then switch them on below.',
      camera: 'The browser was not allowed to use your camera. Allow it at the address bar, then switch it on below.',
      mic: 'The browser was not allowed to use your microphone. Allow it at the address bar, then switch it on below.',
    },
  },

  /** How a call ends by another hand or one's own, by reason. @type {Record<string, {title: string, text: string, action?: string}>} */
  ended: {
    left: { title: 'You have left the call', text: 'Your camera and microphone are off.', action: 'Join again' },
    ejected: { title: 'You were removed from the call', text: 'The host has ended your part in this call.' },
    denied: { title: 'You were not let in', text: 'The host has not let you into this call. You can ask again.', action: 'Ask again' },
    revoked: { title: 'Your link was withdrawn', text: 'Ask for a new link if you should be in this call.' },
    expired: { title: 'Your time in this room is over', text: 'Ask for a new link to come back.' },
    closed: { title: 'The room was closed', text: 'The call is over for everybody.' },
    replaced: { title: 'You are in this call elsewhere', text: 'The call was opened in another tab or on another device.', action: 'Use it here' },
  },

  /** Why there is no call, by error code. @type {Record<string, {title: string, text: string, action?: string}>} */
  errors: {
    room_full: { title: 'The room is full', text: 'Everybody who fits is in already. Try again when somebody has left.', action: 'Try again' },
    room_closed: { title: 'This room is closed', text: 'The call is over. Ask for a link to a new room.' },
    room_not_found: { title: 'There is no such room', text: 'Check the link, or ask for a new one.' },
    token_expired: { title: 'This link has expired', text: 'Links work for a limited time. Ask for a new one.' },
    not_yet_valid: { title: 'This link is not valid yet', text: 'It opens at a later time. Come back then.', action: 'Try again' },
    token_invalid: { title: 'This link does not work', text: 'It is damaged or was not made by this server. Open the whole link as you received it.' },
    token_revoked: { title: 'This link was withdrawn', text: 'Ask for a new link if you should be in this call.' },
    wrong_room: { title: 'This link is for another room', text: 'Open the whole link as you received it.' },
    unauthorized: { title: 'The link is incomplete', text: 'Its last part, the key to the room, is missing. Open the whole link as you received it.' },
    forbidden: { title: 'This is not allowed', text: 'The link does not permit to join this call.' },
    locked: { title: 'The room is locked', text: 'The host lets nobody in at the moment.', action: 'Try again' },
    seat_gone: { title: 'Your place was given up', text: 'You were away too long. Open the link again.' },
    rate_limited: { title: 'Too many attempts', text: 'Wait a moment, then try again.', action: 'Try again' },
    unavailable: { title: 'The server is busy', text: 'It cannot take this call right now. Try again in a moment.', action: 'Try again' },
    unreachable: { title: 'The server cannot be reached', text: 'Check your connection to the internet, then try again.', action: 'Try again' },
    no_camera: { title: 'No camera or microphone', text: 'None was found, or another program is using it.', action: 'Try again' },
    permission_denied: { title: 'Camera and microphone are blocked', text: 'Allow them at the address bar of your browser, then try again.', action: 'Try again' },
    negotiation_failed: { title: 'No connection to the others', text: 'The browsers could not agree on a way. Try again.', action: 'Try again' },
    replaced: { title: 'You are in this call elsewhere', text: 'The call was opened in another tab or on another device.', action: 'Use it here' },
    internal: { title: 'Something went wrong', text: 'This is our fault. Try again in a moment.', action: 'Try again' },
  },

  docs: {
    title: 'REST API',
    start: 'Start',
    overview: 'Overview',
    errorCodes: 'Error codes',
    errors: 'Errors',
    name: 'Name',
    type: 'Type',
    meaning: 'Meaning',
    code: 'Code',
    status: 'Status',
    required: 'required',
    optional: 'not always',
    open: 'Open to all',
    orNone: 'or nothing',
    body: 'Body',
    headers: 'Headers',
    curl: 'curl',
    request: 'Request',
    copy: 'Copy',
    copied: 'Copied',
    selected: 'Selected',
    nothing: 'No route has these words.',
    /** @type {Record<string, string>} */
    parameters: { path: 'In the path', query: 'In the query', header: 'In the headers' },
    /** @type {Record<string, string>} */
    credential: { apiKey: 'API key', token: 'Token', legacyKey: 'API key without Bearer', legacyToken: 'Token as ?token=' },
    /** @param {string} version */
    version: (version) => `REST API ${version}`,
    /** @param {string} what */
    copyWhat: (what) => `Copy: ${what}`,
    /** @param {number} count */
    members: (count) => `${count} fields`,
    /** @param {string} what */
    choose: (what) => `${what}: which example`,
    /** @param {string} why */
    failed: (why) => `The reference cannot be shown: ${why}`,
  },

  home: {
    notALink: 'This is neither a room link nor the name of a room.',
    /** @param {string} version */
    version: (version) => `Otter ${version}`,
  },
});
