/* SPDX-License-Identifier: GPL-3.0-or-later
 * The requests of hosts. Those that have to be on disk before they are answered are the verbs behind REST, asked for in the name of the participant: whoever
 * is no host any more when his turn comes changes nothing; that his connection is gone by then does not matter. */
#include "requests.h"

#include "otter_private.h"
#include "service.h"

#include <string.h>

/* ---- about one participant, at once ---- */

typedef enum otter_err (*ask_fn)(struct otter_room *room, struct otter_conn *conn, const char *participant, struct otter_error *e);

static enum otter_err about_one(struct otter_conn *conn, const json_t *body, ask_fn ask, struct otter_error *e)
{
	const char *participant = NULL;
	struct otter_room *room = request_seated_in(conn, e);
	enum otter_err err = room != NULL ? otter_parse_participant(body, &participant, e) : e->err;
	if (err == OTTER_OK)
		err = ask(room, conn, participant, e);
	otter_room_unref(room);
	return err;
}

enum otter_err request_admit(struct otter_conn *conn, int64_t id, const json_t *body, json_t **reply, struct otter_error *e)
{
	(void)id, (void)reply;
	return about_one(conn, body, otter_room_admit, e);
}

enum otter_err request_deny(struct otter_conn *conn, int64_t id, const json_t *body, json_t **reply, struct otter_error *e)
{
	(void)id, (void)reply;
	return about_one(conn, body, otter_room_deny, e);
}

enum otter_err request_promote(struct otter_conn *conn, int64_t id, const json_t *body, json_t **reply, struct otter_error *e)
{
	(void)id, (void)reply;
	return about_one(conn, body, otter_room_promote, e);
}

enum otter_err request_mute(struct otter_conn *conn, int64_t id, const json_t *body, json_t **reply, struct otter_error *e)
{
	(void)id, (void)reply;
	struct otter_mute mute;
	struct otter_room *room = request_seated_in(conn, e);
	enum otter_err err = room != NULL ? otter_parse_mute(body, &mute, e) : e->err;
	if (err == OTTER_OK)
		err = otter_room_mute(room, conn, &mute, e);
	otter_room_unref(room);
	return err;
}

/* ---- what has to be on disk first ---- */

/* A verb's answer becomes the reply. */
static void on_answer(void *arg, struct otter_answer *answer)
{
	request_answer(arg, &answer->error);
}

enum otter_err request_eject(struct otter_conn *conn, int64_t id, const json_t *body, json_t **reply, struct otter_error *e)
{
	char me[OTTER_ID_SIZE];
	struct otter_eject eject;
	struct otter_room *room = request_seated_in(conn, e);
	if (room != NULL && otter_parse_eject(body, &eject, e) == OTTER_OK && otter_room_host(room, conn, me, e) == OTTER_OK &&
		strcmp(eject.participant, me) == 0)
		otter_fail_field(e, "participant", "'participant' is oneself: 'leave' ends one's own seat.");
	if (e->err == OTTER_OK)
		otter_do_participant_eject(
			conn->otter, room->record.id, eject.participant, eject.revoke ? "true" : "false", me, on_answer, request_later(conn, id, reply));
	otter_room_unref(room);
	return e->err;
}

enum otter_err request_lock(struct otter_conn *conn, int64_t id, const json_t *body, json_t **reply, struct otter_error *e)
{
	char me[OTTER_ID_SIZE];
	bool locked = false;
	struct otter_room *room = request_seated_in(conn, e);
	if (room != NULL && otter_parse_lock(body, &locked, e) == OTTER_OK && otter_room_host(room, conn, me, e) == OTTER_OK) {
		json_t *change = json_pack("{s:b}", "locked", locked);
		otter_do_room_change(conn->otter, room->record.id, change, &(struct otter_conditions){ .by = me }, on_answer, request_later(conn, id, reply));
		json_decref(change);
	}
	otter_room_unref(room);
	return e->err;
}

enum otter_err request_close(struct otter_conn *conn, int64_t id, const json_t *body, json_t **reply, struct otter_error *e)
{
	(void)body;
	char me[OTTER_ID_SIZE];
	struct otter_room *room = request_seated_in(conn, e);
	if (room != NULL && otter_room_host(room, conn, me, e) == OTTER_OK)
		otter_do_room_close(conn->otter, room->record.id, &(struct otter_conditions){ .by = me }, on_answer, request_later(conn, id, reply));
	otter_room_unref(room);
	return e->err;
}
