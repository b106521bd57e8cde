/* SPDX-License-Identifier: GPL-3.0-or-later
 * A revocation on its way: into the store, then, once that is durable, in force; then those inside. For the verbs. */
#ifndef OTTER_REVOKE_H
#define OTTER_REVOKE_H

#include "answer.h"

struct revoking {
	struct pending *p;
	struct otter_revocation_record revocation; /* its kind and value, and knock; the rest is filled in */
	bool out;                                  /* whoever is inside by these tokens is put out */
	char participant[OTTER_ID_SIZE];           /* whose seat was ended for it, or empty */
};

/* Do it in the room of this id, and answer without a body. Takes `r`. */
void revoking_go(struct revoking *r, const char *room);
void revoking_fail(struct revoking *r, enum otter_err err);

#endif
