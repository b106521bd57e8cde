// SPDX-License-Identifier: GPL-3.0-or-later
// What people write today: Express, a JWT, and a TURN credential. Prints its port; ends when its input does.
const { createHmac, randomBytes } = require('node:crypto');
const express = require('express');
const jwt = require('jsonwebtoken');

const KEY = randomBytes(32);
const API_KEY = process.argv[2];
const app = express();
app.use(express.json());

app.post('/v1/rooms/:room/tokens', (request, response) => {
  if (request.get('Authorization') !== `Bearer ${API_KEY}`) return response.status(401).json({ code: 'unauthorized' });
  const { room } = request.params;
  const jti = randomBytes(15).toString('base64url');
  const token = jwt.sign({ room, sub: request.body.identity, role: 'guest' }, KEY, { expiresIn: '48h', jwtid: jti, audience: 'otter:join' });
  const username = `${Math.floor(Date.now() / 1000) + 300}:${jti}`;
  const credential = createHmac('sha1', KEY).update(username).digest('base64');
  return response.status(201).json({ token, url: `https://calls.example.org/room/${room}#token=${token}`, jti, username, credential });
});

const server = app.listen(0, '127.0.0.1', () => console.log(server.address().port));
process.stdin.resume().on('end', () => process.exit());
