/* SPDX-License-Identifier: GPL-3.0-or-later
 * The routes of Otter as it was deployed on AWS, for applications that call them. */
#ifndef OTTER_LEGACY_H
#define OTTER_LEGACY_H

#include "call.h"

/* POST /v1/createRoom: Authorization is the key, with or without Bearer; optional {"uniqueName"}. 200 in any case. */
void otter_legacy_create_room(const struct otter_call *c);

/* GET /v1/room/{id or name}?token= */
void otter_legacy_get_room(const struct otter_call *c);

/* GET /v1/credentials?token=: with username and credential at the top as well. */
void otter_legacy_credentials(const struct otter_call *c);

/* GET /otter-meet/{id}?token= moves to /room/{id}#token=. */
void otter_legacy_move_page(const struct otter_call *c);

#endif
