# SPDX-License-Identifier: GPL-3.0-or-later
"""The protocol broken on purpose, one place at a time: what is changed, and which tests have to notice.

`by` is EXPLORER (every order of events: tests/model/run.js), STEPS (one side, step by step: tests/model/test_*.js), or the unit test of the core that
is run.
"""

from dataclasses import dataclass

EXPLORER = "run.js"
STEPS = "test_steps.js"
IN_NODE = (EXPLORER, STEPS)

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
             "state.ackAt ??= now + ACK_AFTER_MS;", "", EXPLORER, daily=True),
    Mutation("a duplicate is not acknowledged again", PAIR_STREAM,
             "state.ackAt ??= now + ACK_AFTER_MS;", "if (seq >= state.expected) state.ackAt ??= now + ACK_AFTER_MS;", EXPLORER),
    Mutation("what comes early is delivered at once", PAIR_STREAM,
             "if (seq >= state.expected && seq < state.expected + WINDOW_MESSAGES) state.early[seq] ??= signal;",
             "if (seq >= state.expected) return [signal];", EXPLORER),
    Mutation("what comes early is forgotten", PAIR_STREAM,
             "seq < state.expected + WINDOW_MESSAGES)", "seq === state.expected && seq < state.expected + WINDOW_MESSAGES)", STEPS),
    Mutation("an ack ends one repeat too many", PAIR_STREAM,
             "filter(({ seq }) => seq > ack)", "filter(({ seq }) => seq > ack + 1)", EXPLORER),
    Mutation("nothing is repeated when the peer is back", PAIR_STREAM,
             "Object.assign(entry, { again: true }, state.away", "Object.assign(entry, {}, state.away", STEPS),
    Mutation("time passes while the peer is away", PAIR_STREAM,
             "if (state.away || now < state.quietUntil) return [];", "if (now < state.quietUntil) return [];", STEPS),
    Mutation("a repeat has a number of its own", PAIR_STREAM,
             "return { ...message, seq, ack: this.acknowledging };",
             "return { ...message, seq: this.state.nextSeq++, ack: this.acknowledging };", EXPLORER),
    # The negotiation of a pair
    Mutation("both sides are impolite", NEGOTIATION,
             "if (state.offering && !state.polite) { // they", "if (state.offering) { // they", EXPLORER, daily=True),
    Mutation("both sides are polite", NEGOTIATION,
             "if (state.offering && !state.polite) { // they", "if (false) { // they", EXPLORER),
    Mutation("the polite side forgets what it wanted", NEGOTIATION,
             "if (state.offering) this.#offerAgain();", "", EXPLORER),
    Mutation("an ICE restart is forgotten in glare", NEGOTIATION,
             "state.restart ||= state.restarting;", "", EXPLORER),
    Mutation("the answer to an offer that was given up is taken", NEGOTIATION,
             " && (signal.round ?? state.round) === state.round;", ";", EXPLORER),
    Mutation("an offer that was passed over is taken when it is said again", NEGOTIATION,
             "if (round !== undefined) Object.assign(state, { taken: round, answer: undefined });", "", STEPS),
    Mutation("both sides make the first offer", NEGOTIATION,
             "!(state.offers || state.begun)", "false", EXPLORER),
    Mutation("a hung offer is left as it is", NEGOTIATION,
             "case 'hung': if (state.offering) out = this.#sayAgain(); break;", "case 'hung': break;", EXPLORER),
    Mutation("an answer is not said again", NEGOTIATION,
             "return round === state.taken && state.answer ? [{ do: 'send', signal: state.answer }] : [];", "return [];", EXPLORER),
    Mutation("two things are done at a time", NEGOTIATION,
             "    this.state.doing = action.do;\n", "", EXPLORER),
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
             "if (room_attach(room, seat, conn, instance))\n\t\troom_keep_first(room, seat);",
             "room_attach(room, seat, conn, instance);", "test_room"),
    Mutation("the others do not hear of a resume", SEATS,
             "\twelcome(room, seat, id);\n\troom_tell_updated(room, seat);\n\totter_log(room->otter->env, OTTER_LOG_INFO, \"%s resumed",
             "\twelcome(room, seat, id);\n\totter_log(room->otter->env, OTTER_LOG_INFO, \"%s resumed", "test_room"),
    Mutation("a seat is told of before it is kept", SEATS,
             "\totter_conn_hold(conn);\n\tstore->ops->seat_put(store, &record, on_kept, otter_conn_ref(conn));",
             "\t(void)on_kept, (void)conn;\n\tstore->ops->seat_put(store, &record, NULL, NULL);", "test_room"),
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
