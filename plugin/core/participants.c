/* SPDX-License-Identifier: GPL-3.0-or-later
 * The verbs behind REST: who is in a room. */
#include "answer.h"
#include "revoke.h"

static void on_room_to_look_into(void *arg, enum otter_err err, const void *row)
{
	struct pending *p = arg;
	const struct otter_room_record *record = row;
	err = pending_found(p, err, row);
	if (err != OTTER_OK) {
		pending_fail(p, err);
		return;
	}
	struct otter_room *room = otter_find_room(p->o, record->id);
	answer_body(p->fn, p->arg, json_pack("{s:o, s:n}", "participants", room != NULL ? otter_room_participants(room) : json_array(), "next"));
	otter_room_unref(room);
	pending_end(p);
}

void otter_do_participant_list(struct otter *o, const char *id_or_name, otter_answer_fn fn, void *arg)
{
	struct pending *p = pending_for_room(o, id_or_name, fn, arg);
	if (p != NULL)
		o->store->ops->room_peek(o->store, id_or_name, on_room_to_look_into, p);
}

/* ---- putting out ---- */

struct ejecting {
	struct pending *p;
	char participant[OTTER_ID_SIZE];
	bool revoke;
};

/* Out, at once: he asks for nothing more. And what he came by opens the room no more: whoever has come in by his identity until that is in force is put
 * out then. Takes `p`. */
static void eject_and_revoke(struct pending *p, struct otter_room *room, const char *participant)
{
	struct revoking *r = g_new0(struct revoking, 1);
	r->p = p;
	g_strlcpy(r->participant, participant, sizeof r->participant);
	if (!otter_room_came_by(room, participant, &r->revocation) || !otter_room_eject(room, participant)) {
		revoking_fail(r, OTTER_PARTICIPANT_NOT_FOUND);
		return;
	}
	r->out = r->revocation.kind == OTTER_REVOKED_IDENTITY;
	revoking_go(r, room->record.id);
}

static void on_room_to_eject_from(void *arg, enum otter_err err, const void *row)
{
	struct ejecting *ejecting = arg;
	struct pending *p = ejecting->p;
	const struct otter_room_record *record = row;
	err = pending_found(p, err, record);
	struct otter_room *room = err == OTTER_OK ? otter_find_room(p->o, record->id) : NULL;
	if (err == OTTER_OK && room == NULL)
		err = OTTER_PARTICIPANT_NOT_FOUND;
	if (err != OTTER_OK)
		pending_fail(p, err);
	else if (ejecting->revoke)
		eject_and_revoke(p, room, ejecting->participant);
	else if (otter_room_eject(room, ejecting->participant))
		p->o->store->ops->seat_end(p->o->store, ejecting->participant, pending_done, p); /* answered when it is on disk */
	else
		pending_fail(p, OTTER_PARTICIPANT_NOT_FOUND);
	otter_room_unref(room);
	g_free(ejecting);
}

void otter_do_participant_eject(
	struct otter *o, const char *id_or_name, const char *participant, const char *revoke, const char *by, otter_answer_fn fn, void *arg)
{
	struct otter_error e = { 0 };
	struct ejecting ejecting = { 0 };
	if (strlen(participant) >= sizeof ejecting.participant)
		otter_fail(&e, OTTER_PARTICIPANT_NOT_FOUND, NULL);
	if (e.err != OTTER_OK || read_flag("revoke", revoke, &ejecting.revoke, &e) != OTTER_OK) {
		answer_error(fn, arg, &e);
		return;
	}
	ejecting.p = pending_for_room_when(o, id_or_name, &(struct otter_conditions){ .by = by }, fn, arg);
	if (ejecting.p == NULL)
		return;
	g_strlcpy(ejecting.participant, participant, sizeof ejecting.participant);
	o->store->ops->room_get(o->store, id_or_name, on_room_to_eject_from, g_memdup2(&ejecting, sizeof ejecting));
}
