# SPDX-License-Identifier: GPL-3.0-or-later
"""How Janus' admin API shows a handle that never had a PeerConnection.

Read from handle_info in Janus' src/janus.c (1.1.2 and 1.4.1) and measured: such a handle has all
flags false, an empty "sdps", nothing queued, and none of agent-created, agent-started, ice-mode,
ice-role, pending-trickles, webrtc and the dumps. What is allowed is listed, so that a key that a
later Janus adds is looked at by a person.
"""

WITHOUT_WEBRTC = {
    "session_id", "session_last_activity", "session_timeout", "session_transport", "handle_id", "opaque_id",
    "token", "loop-running", "created", "current_time", "plugin", "plugin_specific",
    "flags", "sdps", "queued-packets",
}


def webrtc_traces(info):
    """Everything in the "info" of handle_info that a handle without media does not have."""
    traces = {key: info[key] for key in info.keys() - WITHOUT_WEBRTC}
    if "flags" not in info or "sdps" not in info:
        traces["incomplete"] = sorted(info)  # as with plugin_only: it would prove nothing
    traces.update({flag: value for flag, value in info.get("flags", {}).items() if value is not False})
    if info.get("sdps"):
        traces["sdps"] = info["sdps"]
    if info.get("queued-packets"):
        traces["queued-packets"] = info["queued-packets"]
    return traces
