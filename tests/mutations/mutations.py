# SPDX-License-Identifier: GPL-3.0-or-later
"""The protocol broken on purpose, one place at a time: what is changed, and which tests have to notice.

`by` is MODEL (the SDK's machines in Node: tests/model) or the unit tests of the core that are run.
"""

from dataclasses import dataclass

MODEL = "model"

PAIR_STREAM = "html/sdk/pair-stream.js"
NEGOTIATION = "html/sdk/negotiation.js"
SEATS = "plugin/core/room_seats.c"
TALK = "plugin/core/room_talk.c"


@dataclass
class Mutation:
    """`old`, which stands in `file` exactly once, becomes `new`."""

    name: str
    file: str
    old: str
    new: str
    by: str
    daily: bool = False


MUTATIONS = [
    # The stream of a pair
    Mutation("the ack is dropped", PAIR_STREAM,
             "state.ackAt ??= now + ACK_AFTER_MS;", "", MODEL, daily=True),
    Mutation("a duplicate is not acknowledged again", PAIR_STREAM,
             "state.ackAt ??= now + ACK_AFTER_MS;", "if (seq >= state.expected) state.ackAt ??= now + ACK_AFTER_MS;", MODEL),
    Mutation("what comes early is delivered at once", PAIR_STREAM,
             "if (seq >= state.expected && seq < state.expected + WINDOW_MESSAGES) state.early[seq] ??= signal;",
             "if (seq >= state.expected) return [signal];", MODEL),
    Mutation("what comes early is forgotten", PAIR_STREAM,
             "seq < state.expected + WINDOW_MESSAGES)", "seq === state.expected && seq < state.expected + WINDOW_MESSAGES)", MODEL),
    Mutation("an ack ends one repeat too many", PAIR_STREAM,
             "filter(({ seq }) => seq > ack)", "filter(({ seq }) => seq > ack + 1)", MODEL),
    Mutation("nothing is repeated when the peer is back", PAIR_STREAM,
             "repeats: 0, again: true });", "repeats: 0, again: false });", MODEL),
    Mutation("time passes while the peer is away", PAIR_STREAM,
             "if (state.away || now < state.quietUntil) return [];", "if (now < state.quietUntil) return [];", MODEL),
    Mutation("a repeat has a number of its own", PAIR_STREAM,
             "return { ...message, seq, ack: this.acknowledging };",
             "return { ...message, seq: this.state.nextSeq++, ack: this.acknowledging };", MODEL),
    # The negotiation of a pair
    Mutation("both sides are impolite", NEGOTIATION,
             "if (state.offering && !state.polite) return null;", "if (state.offering) return null;", MODEL, daily=True),
    Mutation("both sides are polite", NEGOTIATION,
             "if (state.offering && !state.polite) return null;", "", MODEL),
    Mutation("the polite side forgets what it wanted", NEGOTIATION,
             "if (state.offering) this.#offerAgain();", "", MODEL),
    Mutation("an ICE restart is forgotten in glare", NEGOTIATION,
             "state.restart ||= state.restarting;", "", MODEL),
    Mutation("the answer to an offer that was rolled back is taken", NEGOTIATION,
             "return signal.round === undefined || signal.round === state.round ? { do: 'remote', signal } : null;",
             "return { do: 'remote', signal };", MODEL),
    Mutation("both sides make the first offer", NEGOTIATION,
             "!(state.offers || state.begun)", "false", MODEL),
    Mutation("a hung offer is left as it is", NEGOTIATION,
             "case 'hung': state.hung = state.offering; break;", "case 'hung': break;", MODEL),
    Mutation("two things are done at a time", NEGOTIATION,
             "    this.state.doing = action.do;\n", "", MODEL),
    # The server: seats
    Mutation("one more gets in than there are places", SEATS,
             "(int64_t)room->n_seats >= room->record.max_participants", "(int64_t)room->n_seats > room->record.max_participants",
             "test_room", daily=True),
    Mutation("a resume by the same instance is a new attachment", SEATS,
             "if (strcmp(seat->instance, instance) == 0)\n\t\treturn false;", "", "test_room"),
    Mutation("a reload gets no new attach", SEATS,
             "seat->attach = ++room->last_attach;", "seat->attach = room->last_attach;", "test_room"),
    Mutation("an order is given twice", SEATS,
             "seat->order = ++room->last_order;", "seat->order = room->n_seats + 1;", "test_room"),
    Mutation("the connection that lost its seat is not told", SEATS,
             "room_dismiss(g_steal_pointer(&seat->conn), \"ejected\", \"replaced\");",
             "otter_conn_unref(g_steal_pointer(&seat->conn));", "test_room"),
    Mutation("a reload is not kept in the store", SEATS,
             "if (room_attach(room, seat, conn, instance))\n\t\troom_keep(room, seat);",
             "room_attach(room, seat, conn, instance);", "test_room"),
    Mutation("the others do not hear of a resume", SEATS,
             "\twelcome(room, seat, id);\n\troom_tell_updated(room, seat);\n\totter_log(room->otter->env, OTTER_LOG_INFO, \"%s resumed",
             "\twelcome(room, seat, id);\n\totter_log(room->otter->env, OTTER_LOG_INFO, \"%s resumed", "test_room"),
    Mutation("a seat is told of before it is kept", SEATS,
             "\totter_conn_hold(seat->conn);\n\tstore->ops->seat_put(store, &record, on_kept, otter_conn_ref(seat->conn));",
             "\t(void)on_kept;\n\tstore->ops->seat_put(store, &record, NULL, NULL);", "test_room"),
    # The server: relay
    Mutation("the instance of the receiver is not looked at", TALK,
             "if (strcmp(to->instance, signal->to_instance) != 0) {", "if (false) {", "test_room"),
    Mutation("the instance of the sender is not looked at", TALK,
             "if (strcmp(from->instance, signal->from_instance) != 0)", "if (false)", "test_room"),
    Mutation("who is away is written to", TALK,
             "if (to->conn == NULL)\n\t\treturn otter_fail(e, OTTER_PEER_AWAY, NULL);\n\treturn OTTER_OK;", "return OTTER_OK;", "test_room"),
    Mutation("the sender's own word is taken for `from`", TALK,
             "otter_event_signal(from->participant, signal)", "otter_event_signal(signal->to, signal)", "test_room"),
    Mutation("a relay room lets addresses through", TALK,
             "room->record.privacy == OTTER_PRIVACY_RELAY && !otter_signal_hides_addresses(signal)", "false", "test_room"),
    Mutation("an ack is not relayed", "plugin/core/protocol.c",
             "if (s->ack >= 0)", "if (s->ack > 0)", "test_protocol"),
    Mutation("nobody asks for too much", "plugin/core/rates.c",
             "if (over_us > 0)", "if (0)", "test_rates"),
]
