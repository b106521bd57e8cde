/* SPDX-License-Identifier: GPL-3.0-or-later
 * Making a join token and the link that carries it. For the verbs. */
#ifndef OTTER_MINT_H
#define OTTER_MINT_H

#include "otter_private.h"

struct minted {
	char *token, *url; /* owned */
	char jti[OTTER_ID_SIZE];
	int64_t expires_s;
};

/* Sign a token with what `claims` says of room (id), sub, name, role and nbf_s; it lives `ttl_s` from now, or from nbf_s. A fresh jti each time. */
void otter_mint(struct otter *o, const struct otter_claims *claims, int64_t ttl_s, struct minted *out);
void minted_clear(struct minted *minted);

/* There is a host's token for `room` from now on: the store and the room in memory come to know it, if they do not yet. Nobody waits for that: whoever
 * joins by such a token brings it to mind again. */
void otter_note_host_token(struct otter *o, const struct otter_room_record *room);

#endif
